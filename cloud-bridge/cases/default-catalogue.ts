import type { Catalogue } from "./catalogue.ts";

/**
 * What holds where a city has loaded nothing of its own. Times are those that DOMAIN calls draft limits (2 h, 24 h, 7 d,
 * 15 d) and the 30 minutes of the whistle practice; grounds name the law and leave articles to the city's own table.
 */
export const DEFAULT_CATALOGUE: Catalogue = {
  name: "shao-default",
  version: "2026.1",
  inForceFrom: "1970-01-01T00:00:00Z",
  defaultSla: "C",
  slaClasses: [
    {
      ...{ code: "A", zh: "特急", en: "At once" },
      ...{ arriveMinutes: 30, totalMinutes: 120, cityMinutes: 120, clock: "wall" },
    },
    {
      ...{ code: "B", zh: "紧急", en: "Within a day" },
      ...{ arriveMinutes: 120, totalMinutes: 1440, cityMinutes: 1440, clock: "wall" },
    },
    {
      ...{ code: "C", zh: "一般", en: "Within seven days" },
      ...{ arriveMinutes: 1440, totalMinutes: 10_080, cityMinutes: 2880, clock: "wall" },
    },
    {
      ...{ code: "D", zh: "疑难", en: "Within fifteen days" },
      ...{ arriveMinutes: 2880, totalMinutes: 21_600, cityMinutes: 2880, clock: "wall" },
    },
  ],
  categories: [
    { code: "noise", zh: "噪声扰民", en: "Noise", severity: "urgent", sla: "A", families: ["noise"] },
    {
      ...{ code: "night-construction", zh: "夜间施工", en: "Night construction", severity: "urgent", sla: "A" },
      ...{ families: ["noise"], rules: ["night-construction"] },
    },
    {
      ...{ code: "uncovered-truck", zh: "车辆未密闭运输", en: "Uncovered truck", severity: "urgent", sla: "A" },
      ...{ rules: ["uncovered-truck"] },
    },
    { code: "spillage", zh: "道路遗撒", en: "Spillage", severity: "urgent", sla: "B", rules: ["spillage"] },
    { code: "street-stall", zh: "占道经营", en: "Street stall", severity: "normal", sla: "B", rules: ["street-stall"] },
    {
      ...{ code: "officer-emergency", zh: "队员紧急求助", en: "Officer in need", severity: "urgent", sla: "A" },
      families: ["emergency"],
    },
  ],
  grounds: [
    {
      ...{ code: "construction-noise", zh: "建筑施工噪声超标", en: "Construction noise above the limit" },
      ...{ law: "《中华人民共和国噪声污染防治法》", categories: ["noise", "night-construction"] },
    },
    {
      ...{ code: "night-construction", zh: "未经许可夜间施工", en: "Night construction without a permit" },
      ...{ law: "《中华人民共和国噪声污染防治法》", categories: ["night-construction"] },
    },
    {
      ...{ code: "uncovered-transport", zh: "运输散装物料未密闭", en: "Loose goods carried uncovered" },
      ...{ law: "《中华人民共和国大气污染防治法》", categories: ["uncovered-truck"] },
    },
    { code: "spillage", zh: "运输车辆泄漏遗撒", en: "Load spilt on the road", categories: ["spillage"] },
    { code: "street-occupation", zh: "擅自占用道路经营", en: "Trading on the road", categories: ["street-stall"] },
  ],
  whistleKinds: [
    {
      ...{ code: "emergency", zh: "应急哨", en: "Emergency whistle" },
      ...{ sceneMinutes: 30, handleMinutes: 1440, clock: "wall" },
    },
    {
      ...{ code: "key", zh: "重点哨", en: "Key whistle" },
      ...{ sceneMinutes: 30, handleMinutes: 10_080, clock: "wall" },
    },
    {
      ...{ code: "regular", zh: "常规哨", en: "Regular whistle" },
      ...{ sceneMinutes: 30, handleMinutes: 21_600, clock: "wall" },
    },
  ],
  suspendReasons: [
    { code: "weather", zh: "天气原因", en: "Weather", pausesClock: true },
    { code: "other-unit", zh: "等待其他单位", en: "Waiting for another unit", pausesClock: true },
    { code: "reporter", zh: "等待来电人", en: "Waiting for the reporter", pausesClock: true },
    { code: "desk", zh: "坐席暂缓", en: "Put off by the desk", pausesClock: false },
  ],
};
