import { speak } from "../speak.ts";

export const en = {
  title: "Video round",
  lead: "A still of each camera with its age; while this page is open each node sends a new one every few seconds.",
  none: "No node has a camera yet: name it under `cameras:` in the node's config.",
  age: "{age} old",
  never: "no still yet",
  away: "its node is away",
  bytes: "{size} kB each",
  "make-case": "Make a case",
  "case.title": "A case from {camera}",
  "case.lead": "The node keeps the picture of now as evidence, signed, and sends it to this case.",
  "case.what": "What is to be seen",
  "case.words": "More words",
  "case.preset": "Seen on a video round: {camera}",
};

export const zhCn: Readonly<Record<keyof typeof en, string>> = {
  title: "视频巡查",
  lead: "各摄像机的最新截图及其时间；打开本页期间，节点每隔数秒发送一张。",
  none: "尚无节点配置摄像机：请在节点配置的 `cameras:` 中填写。",
  age: "{age}前",
  never: "尚无截图",
  away: "节点离线",
  bytes: "每张 {size} kB",
  "make-case": "立案",
  "case.title": "由 {camera} 立案",
  "case.lead": "节点将当前画面作为证据签名保存，并发送至本案件。",
  "case.what": "发现的问题",
  "case.words": "补充说明",
  "case.preset": "视频巡查发现：{camera}",
};

export const roundText = speak(en, zhCn);
