import type { Locale } from "../locale.ts";

/** What `shao init` says and writes, in the language of the one at the keyboard. */
export interface InitWords {
  readonly node: string;
  readonly nodeForm: string;
  readonly site: string;
  readonly timeZone: string;
  readonly timeZoneForm: string;
  readonly bridge: string;
  readonly bridgeForm: string;
  readonly ports: (paths: readonly string[]) => string;
  readonly noPorts: string;
  readonly unstable: (path: string) => string;
  readonly address: string;
  readonly addressForm: string;
  readonly talks: (path: string, driver: string, baudRate: number | undefined) => string;
  readonly noFix: string;
  readonly found: (path: string, unit: number, line: string, levelDb: number | undefined) => string;
  readonly nobody: (path: string) => string;
  readonly closed: (path: string, message: string, hint: string) => string;
  readonly whichProfile: (unit: number) => string;
  readonly noProfile: (unit: number) => string;
  readonly camera: string;
  readonly cameraForm: string;
  readonly cameraUser: string;
  readonly cameraPassword: string;
  readonly cameraLooks: (id: string) => string;
  readonly cameraShows: (id: string, what: string, picture: string) => string;
  readonly cameraBlind: (id: string, message: string, hint: string) => string;
  readonly cameraKept: string;
  readonly written: (file: string) => string;
  readonly checked: string;
  readonly missing: string;
  readonly next: (node: string, bridge: string, state: string, file: string) => string;
  readonly fileHead: string;
  readonly filePlace: string;
  readonly fileNoDevice: string;
  readonly fileGuess: (others: string) => string;
  readonly fileNoProfile: string;
  readonly fileRules: string;
  readonly filePage: string;
}

const EN: InitWords = {
  node: "Id of this box (small letters, digits, -)",
  nodeForm: "small letters, digits and -, at most 63, such as site-042",
  site: "Name of the place",
  timeZone: "Time zone",
  timeZoneForm: "an IANA name, such as Asia/Shanghai",
  bridge: "Address of the bridge (mqtts://HOST:8883)",
  bridgeForm: "mqtts://HOST:PORT, such as mqtts://shao.example.com:8883",
  ports: (paths) => `Looking at ${paths.length} serial port${paths.length === 1 ? "" : "s"}: ${paths.join(", ")}`,
  noPorts: "No serial port is here. An adapter that is plugged in shows up as /dev/serial/by-id/…",
  unstable: (path) => `${path} has no by-id path: its number may change at the next start.`,
  address: "Serial server, Modbus TCP device or receiver in the network, HOST:PORT (empty: no more)",
  addressForm: "HOST:PORT, such as 192.168.1.20:502",
  talks: (path, driver, baudRate) =>
    `${path}: ${driver === "gps-nmea" ? "a GNSS receiver" : "a noise meter that streams"}${baudRate === undefined ? "" : ` at ${baudRate} baud`}`,
  noFix: "It has no fix yet; let it see the sky. The site's position stays open.",
  found: (path, unit, line, levelDb) =>
    `${path}: unit ${unit} answers${line}${levelDb === undefined ? "" : `, ${levelDb} dB now`}`,
  nobody: (path) => `${path}: nobody was found.`,
  closed: (path, message, hint) => `${path}: ${message}. ${hint}`,
  whichProfile: (unit) => `Several makes keep their level where unit ${unit} does. Which one is it?`,
  noProfile: (unit) =>
    `Unit ${unit} gives no level in any register that we know: it is no noise meter, or a profile is missing.`,
  camera: "Address of a camera, rtsp://HOST/PATH (empty: no more)",
  cameraForm: "rtsp://, rtsps:// or http:// with host and path, such as rtsp://192.168.1.64:554/Streaming/Channels/102",
  cameraUser: "  Its account (empty: none)",
  cameraPassword: "  Its password",
  cameraLooks: (id) => `Looking through ${id} …`,
  cameraShows: (id, what, picture) => `${id}: ${what}; its picture is in ${picture}`,
  cameraBlind: (id, message, hint) => `${id}: ${message}. ${hint}`,
  cameraKept: "It is written down all the same: `shao probe` tries it again.",
  written: (file) => `Written: ${file}`,
  checked: "`shao check` finds nothing wrong with it.",
  missing: "Still to do:",
  next: (node, bridge, state, file) =>
    `Pair this box. On the bridge:\n  shao node add ${node}\nand paste what it prints here:\n  shao enroll https://${bridge}:8443 TOKEN --state ${state}\nThen: shao gateway --config ${file}`,
  fileHead: "A gateway, as `shao init` found it. `shao check` on this file tells what is wrong, line by line.",
  filePlace: "The position was not found: add latitudeDeg and longitudeDeg (WGS-84), or a receiver.",
  fileNoDevice: "Nobody answered. `shao probe --scan` on this file looks again once a bus is written here.",
  fileGuess: (others) => `the profile is a guess from one register; as well it could be: ${others}`,
  fileNoProfile: "no known register gave a level: look at the meter's label and set its profile",
  fileRules: "Over 70 dB for 10 s between 22:00 and 06:00; docs/acoustics.md knows more rules.",
  filePage: "The page of this box in its own network, behind a PIN that is printed at the first start.",
};

const ZH: InitWords = {
  node: "本机编号（小写字母、数字、-）",
  nodeForm: "小写字母、数字和 -，最多 63 个，例如 site-042",
  site: "地点名称",
  timeZone: "时区",
  timeZoneForm: "IANA 时区名，例如 Asia/Shanghai",
  bridge: "云端桥地址（mqtts://主机:8883）",
  bridgeForm: "mqtts://主机:端口，例如 mqtts://shao.example.com:8883",
  ports: (paths) => `正在查看 ${paths.length} 个串口：${paths.join("、")}`,
  noPorts: "没有串口。插上的转换器会出现在 /dev/serial/by-id/…",
  unstable: (path) => `${path} 没有 by-id 路径：下次启动时编号可能改变。`,
  address: "网络中的串口服务器、Modbus TCP 设备或定位接收机，主机:端口（直接回车：没有了）",
  addressForm: "主机:端口，例如 192.168.1.20:502",
  talks: (path, driver, baudRate) =>
    `${path}：${driver === "gps-nmea" ? "卫星定位接收机" : "连续输出的噪声计"}${baudRate === undefined ? "" : `,${baudRate} 波特`}`,
  noFix: "尚未定位，请让天线看到天空。地点坐标暂缺。",
  found: (path, unit, line, levelDb) =>
    `${path}：地址 ${unit} 有应答${line}${levelDb === undefined ? "" : `，当前 ${levelDb} dB`}`,
  nobody: (path) => `${path}：没有找到设备。`,
  closed: (path, message, hint) => `${path}：${message}。${hint}`,
  whichProfile: (unit) => `有几种型号的声级寄存器与地址 ${unit} 相同，是哪一种？`,
  noProfile: (unit) => `地址 ${unit} 的已知寄存器都没有声级：不是噪声计，或缺少其型号定义。`,
  camera: "摄像机地址，rtsp://主机/路径（直接回车：没有了）",
  cameraForm: "rtsp://、rtsps:// 或 http:// 加主机与路径，例如 rtsp://192.168.1.64:554/Streaming/Channels/102",
  cameraUser: "  账号（直接回车：无）",
  cameraPassword: "  密码",
  cameraLooks: (id) => `正在试看 ${id} …`,
  cameraShows: (id, what, picture) => `${id}：${what}；画面存于 ${picture}`,
  cameraBlind: (id, message, hint) => `${id}：${message}。${hint}`,
  cameraKept: "仍写入配置：可用 `shao probe` 再试。",
  written: (file) => `已写入：${file}`,
  checked: "`shao check` 检查通过。",
  missing: "还需处理：",
  next: (node, bridge, state, file) =>
    `给本机配对。在云端桥上执行：\n  shao node add ${node}\n并把它给出的命令粘贴到这里：\n  shao enroll https://${bridge}:8443 TOKEN --state ${state}\n然后启动：shao gateway --config ${file}`,
  fileHead: "由 `shao init` 按查找结果生成的网关配置。`shao check` 会逐行指出错误。",
  filePlace: "没有得到坐标：请补 latitudeDeg 与 longitudeDeg(WGS-84)，或接上定位接收机。",
  fileNoDevice: "没有设备应答。在这里写上总线后，可用 `shao probe --scan` 再找。",
  fileGuess: (others) => `型号由一个寄存器推测；也可能是：${others}`,
  fileNoProfile: "已知寄存器都没有声级：请看铭牌并设置 profile",
  fileRules: "22:00 至 06:00 之间 10 秒超过 70 dB 即报警；更多规则见 docs/acoustics.md。",
  filePage: "本机页面，仅本地网络可见，首次启动时给出 PIN。",
};

export function initWords(locale: Locale): InitWords {
  return locale === "zh-CN" ? ZH : EN;
}
