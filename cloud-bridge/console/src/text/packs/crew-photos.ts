import { speak } from "../speak.ts";

export const en = {
  take: "Take a photo",
  hint: "It becomes evidence of the case, with your name and the time of this phone.",
  waiting: "{n} photos wait for the line",
  "of-others": "{n} photos of another crew wait on this phone until it signs in again",
  taken: "{n} sent",
};

export const zhCn: Readonly<Record<keyof typeof en, string>> = {
  take: "拍照取证",
  hint: "照片将作为案件证据，记录您的姓名和手机时间。",
  waiting: "{n} 张照片等待上传",
  "of-others": "本机还有另一班组的 {n} 张照片，待其重新登录后上传",
  taken: "已上传 {n} 张",
};

export const photoText = speak(en, zhCn);
