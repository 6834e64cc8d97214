import { useEffect, useState } from "preact/hooks";
import type { CameraList, CameraView } from "../../../api/schema/cameras.ts";
import { call } from "../api/client.ts";

const REFRESH_MS = 3000;
/** Before the lease of a minute ends. */
const WATCH_AGAIN_MS = 45_000;

/** Of one camera in the API. */
export const pathOf = ({ node, camera }: CameraView): string =>
  `/nodes/${encodeURIComponent(node)}/cameras/${encodeURIComponent(camera)}`;

/** Cameras with their newest stills, of which new ones are asked while this is shown. @param isWanted which; all by default */
export function useCameras(isWanted: (view: CameraView) => boolean = () => true) {
  const [cameras, setCameras] = useState<readonly CameraView[]>();
  const [error, setError] = useState<unknown>();
  useEffect(() => {
    const watchedMs = new Map<string, number>();
    const look = async (): Promise<void> => {
      if (document.hidden) return;
      try {
        const list = await call<CameraList>("GET", "/cameras");
        const wanted = list.cameras.filter(isWanted);
        setCameras(wanted);
        setError(undefined);
        for (const view of wanted) {
          const path = pathOf(view);
          if (!view.isNodeOnline || Date.now() - (watchedMs.get(path) ?? 0) < WATCH_AGAIN_MS) continue;
          watchedMs.set(path, Date.now());
          // A node that has just gone shows by the age of its still.
          void call("POST", `${path}/watch`).catch(() => watchedMs.delete(path));
        }
      } catch (cause) {
        setError(cause);
      }
    };
    void look();
    const timer = setInterval(() => void look(), REFRESH_MS);
    return () => clearInterval(timer);
  }, []);
  return { cameras, error };
}
