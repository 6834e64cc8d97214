import type { Locale } from "../locale.ts";
import type { WiringCode, WiringFault } from "./wiring.ts";

export interface WiringWords {
  readonly message: string;
  readonly hint: string;
}

type Words = (fault: { readonly unit: string; readonly percent: string }) => WiringWords;

const EN: Readonly<Record<WiringCode, Words>> = {
  WIRING_SILENT: () => ({
    message: "no byte came back, whatever was asked and at whatever speed",
    hint: "Is the meter powered, and on this port? Then swap A and B: wires the wrong way round give just this silence. At last try other units (--units 1-247).",
  }),
  WIRING_HELD: () => ({
    message: "the line gives only 00 and FF: something holds it down",
    hint: "A and B are swapped, or the line lacks bias and termination: swap the wires, then put 120 Ω across each end.",
  }),
  WIRING_ECHO: () => ({
    message: "the adapter hears its own questions, and nobody answers",
    hint: "Switch the adapter's echo off (2-wire mode). The meter itself is silent: check its power, A and B, and unit.",
  }),
  WIRING_ADDRESS_TWICE: ({ unit, percent }) => ({
    message:
      percent === ""
        ? `unit ${unit} answers twice to one question: two meters have this address`
        : `what unit ${unit} answers is always spoilt: two meters have this address, or its branch is broken`,
    hint: "Unplug one meter. If the other is then clean, give one of them another address, and plug it in again.",
  }),
  WIRING_NOISE: ({ unit, percent }) => ({
    message: `${percent} of the answers${unit === "" ? "" : ` of unit ${unit}`} are spoilt or missing`,
    hint: "Put 120 Ω across each end of the line (not in between), join the grounds, keep the cable off mains and inverters, take a lower speed.",
  }),
  WIRING_OTHER_MASTER: () => ({
    message: "somebody else asks questions on this line",
    hint: "A line has one master: unplug the other data logger or PLC, or take a line of our own.",
  }),
};

const ZH: Readonly<Record<WiringCode, Words>> = {
  WIRING_SILENT: () => ({
    message: "无论询问哪个地址、用何种波特率，都没有收到任何字节",
    hint: "先查仪器是否通电、是否接在本端口；再对调 A、B 线（接反时正是这种毫无应答）；最后扩大地址范围（--units 1-247）。",
  }),
  WIRING_HELD: () => ({
    message: "线路上只有 00 和 FF:电平被拉住了",
    hint: "A、B 接反，或缺少偏置与终端电阻：先对调 A、B，再在线路两端各接 120 Ω。",
  }),
  WIRING_ECHO: () => ({
    message: "转换器只听到自己发出的询问，没有仪器应答",
    hint: "关闭转换器的回显（两线模式）。仪器本身没有应答：检查电源、A/B 线和地址。",
  }),
  WIRING_ADDRESS_TWICE: ({ unit, percent }) => ({
    message:
      percent === ""
        ? `地址 ${unit} 对一次询问应答了两次：有两台仪器使用同一地址`
        : `地址 ${unit} 的应答总是损坏：有两台仪器使用同一地址，或该支线有故障`,
    hint: "拔下其中一台。若另一台随即正常，就给其中一台改地址，再接回。",
  }),
  WIRING_NOISE: ({ unit, percent }) => ({
    message: `${unit === "" ? "" : `地址 ${unit} 的`}应答有 ${percent} 损坏或缺失`,
    hint: "只在线路两端各接 120 Ω 终端电阻，连接信号地，远离动力线和变频器，或降低波特率。",
  }),
  WIRING_OTHER_MASTER: () => ({
    message: "线路上另有主机在询问",
    hint: "一条线路只能有一台主机：拔下另一台采集器或 PLC，或另拉一条线。",
  }),
};

/** What to tell the one who wires. */
export function wiringWords({ code, unit, spoiltShare }: WiringFault, locale: Locale): WiringWords {
  const words = locale === "zh-CN" ? ZH[code] : EN[code];
  return words({
    unit: unit === undefined ? "" : String(unit),
    percent: spoiltShare === undefined ? "" : `${Math.round(spoiltShare * 100)} %`,
  });
}
