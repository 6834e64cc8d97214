"""GStreamer's RTSP server: PORT, then PATH=CODEC:FILE for each camera. The file's very pictures, on time, to each client from its start."""
import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

Gst.init(None)
server = GstRtspServer.RTSPServer()
server.set_address("127.0.0.1")
server.set_service(sys.argv[1])
for pair in sys.argv[2:]:
    path, source = pair.split("=", 1)
    codec, file = source.split(":", 1)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(
        f"( filesrc location={file} ! qtdemux ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96 )"
    )
    server.get_mount_points().add_factory(path, factory)
server.attach(None)
print("ready", flush=True)
GLib.MainLoop().run()
