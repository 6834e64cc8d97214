import { speak } from "../speak.ts";

export const en = {
  label: "Live video of {camera}",
  live: "Live",
  stop: "Stop",
  delay: "live, {s} s behind",
  bytes: "{size} kB over the node's line",
  waiting: "waits for a whole picture",
  playing: "live",
  unplayable: "this browser plays no H.264: the still only",
  LIVE_CODEC: "the camera sends no H.264: the still only",
  LIVE_ENCODER: "the node cannot make H.264 of this camera's video: the still only; its log says what helps",
  LIVE_AWAY: "no video comes from the node",
  ended: "ended; press Live to look on",
  title: "Cameras",
  look: "Look through the cameras",
  close: "Close the cameras",
};

export const zhCn: Readonly<Record<keyof typeof en, string>> = {
  label: "{camera} 的实时画面",
  live: "实时",
  stop: "停止",
  delay: "实时，延迟 {s} 秒",
  bytes: "已占用节点线路 {size} kB",
  waiting: "等待完整画面",
  playing: "实时",
  unplayable: "此浏览器不支持 H.264：仅显示截图",
  LIVE_CODEC: "摄像机未发送 H.264：仅显示截图",
  LIVE_ENCODER: "节点无法将此摄像机的视频转为 H.264：仅显示截图；解决办法见节点日志",
  LIVE_AWAY: "节点没有传来视频",
  ended: "已结束；按“实时”继续查看",
  title: "摄像机",
  look: "查看摄像机",
  close: "关闭摄像机",
};

export const liveVideoText = speak(en, zhCn);
