import { speak } from "../speak.ts";

export const en = {
  "plan.label": "Plan of sites, fences, crews and cases, north up. Arrow keys move it, + and − zoom, 0 shows all.",
  "plan.pick":
    "Plan to point out a place: click it, or move the cross with the arrow keys and press Enter. + and − zoom.",
  "plan.nothing": "No site, crew or case has a place yet.",
  "plan.nearer": "Nearer",
  "plan.farther": "Farther",
  "plan.whole": "Show all",
  "plan.title": "Plan",
  "plan.legend.case": "case",
  "plan.legend.crew": "crew",
  "plan.legend.site": "site and its fence",
  "plan.lead": "To scale, north up; a plan, not a map.",
} as const;

export const zhCn: Readonly<Record<keyof typeof en, string>> = {
  "plan.label": "工地、围栏、队伍与案件方位图，上北。方向键移动，+ − 缩放，0 显示全部。",
  "plan.pick": "在方位图上指定位置：点击，或用方向键移动十字后按回车；+ − 缩放。",
  "plan.nothing": "还没有带位置的工地、队伍或案件。",
  "plan.nearer": "放大",
  "plan.farther": "缩小",
  "plan.whole": "显示全部",
  "plan.title": "方位图",
  "plan.legend.case": "案件",
  "plan.legend.crew": "队伍",
  "plan.legend.site": "工地及围栏",
  "plan.lead": "按比例绘制，上北；仅为方位图，非地图。",
};

export const planText = speak(en, zhCn);
