import type { DocumentFault, DocumentFaultCode } from "./fault.ts";

/** What each kind of fault of a config means, in Chinese: said where its own sentence is not known here. */
const MEANINGS: Readonly<Record<DocumentFaultCode, string>> = {
  CONFIG_UNREADABLE: "配置文件不存在或无权读取",
  CONFIG_SYNTAX: "不能作为 YAML 读取",
  CONFIG_UNKNOWN_KEY: "没有谁读取这个键",
  CONFIG_MISSING_KEY: "缺少没有默认值的键",
  CONFIG_WRONG_TYPE: "值的类型不对",
  CONFIG_WRONG_VALUE: "值不在允许范围内，或与其他设置冲突",
  CONFIG_REFERENCE: "所指的名称没有定义",
};

const WHOLE: Readonly<Record<string, string>> = {
  // What was seen.
  "no value": "没有值",
  "nested too deeply": "嵌套过深",
  "too many or too deeply nested values": "值过多或嵌套过深",
  "an alias (*name)": "使用了别名（*名称）",
  "a value of an unknown type": "未知类型的值",
  "a key that is not a name": "键不是名称",
  "not the settings of a device": "不是设备的设置",
  "a device has this name too": "另有设备同名",
  "an account is a user and one place for its password": "账号由用户名和唯一一处密码组成",
  "only rtsps: and https: have a certificate": "只有 rtsps: 和 https: 才有证书",
  "no address of a camera": "不是摄像机的地址",
  "an account in an address shows up in logs and lists": "写在地址中的账号会出现在日志和列表里",
  "a quote or a line break has no place in an address": "地址中不能有引号或换行",
  "the rules have no time zone: nobody knows when it is night": "规则没有时区：无从知道何时是夜间",
  "a connection without TLS": "连接没有 TLS",
  "it ends before it begins": "结束早于开始",
  "no such date and time": "没有这样的日期时间",
  "this is the name of a built-in rule, which always holds": "这是内置规则的名称，内置规则始终有效",
  "passwordFile and passwordEnv both say where the password is": "passwordFile 与 passwordEnv 同时指定了密码",
  "MQTT without TLS, and not on loopback": "MQTT 没有 TLS，且不在本机",
  "what is sent there could be read on the way": "发往该处的内容途中可被读取",
  "insecureLoopback is set, and this is not loopback": "设了 insecureLoopback，但这不是本机地址",
  "neither serial nor tcp is given": "serial 与 tcp 都没有给出",
  "both serial and tcp are given": "serial 与 tcp 不能同时给出",
  "no station would be let in": "没有任何站点能接入",
  "neither outputs nor inputs are given": "outputs 与 inputs 都没有给出",
  // What would have been right.
  "true or false": "true 或 false",
  nothing: "空",
  text: "文字",
  "a value": "一个值",
  "a list": "列表",
  "a number": "数字",
  "a whole number": "整数",
  "named values, one for each name": "每个名称一组键值",
  "a YAML document": "YAML 文档",
  "a YAML document: `key: value` lines, indented by spaces": "YAML 文档：`键: 值` 逐行书写，用空格缩进",
  "the value itself, written out": "写出该值本身",
  "text, a number, true or false": "文字、数字、true 或 false",
  "a name before the colon": "冒号前应为名称",
  "at most 1 MiB": "不超过 1 MiB",
  "127.0.0.1 or ::1, or no insecureLoopback": "127.0.0.1 或 ::1，或不设 insecureLoopback",
  "64 hex digits, with or without colons": "64 位十六进制数，可带冒号",
  "a bridge config: listen, state, store, timeZone, dispatch": "云端桥配置：listen、state、store、timeZone、dispatch",
  "a gateway config: node, bridge, state, buses, devices, rules":
    "网关配置：node、bridge、state、buses、devices、rules",
  "a bus: `serial: PATH`, or `tcp: HOST:PORT` with `framing: rtu|tcp`":
    "总线：`serial: 路径`，或 `tcp: 主机:端口` 加 `framing: rtu|tcp`",
  "a camera: `url: rtsp://HOST/PATH`, with `user` and `passwordFile` where it asks for an account":
    "摄像机：`url: rtsp://主机/路径`，需要账号时加 `user` 和 `passwordFile`",
  "a device: `driver: KIND` and that driver's settings": "设备：`driver: 种类` 及该驱动的设置",
  "a rule: `kind: trigger`, `exceedance` or `violation`, and that kind's settings":
    "规则：`kind: trigger`、`exceedance` 或 `violation`，及该种类的设置",
  "a corner: [x, y]": "一个角点：[x, y]",
  "at least three corners [x, y], each 0 to 1 of the picture": "至少三个角点 [x, y]，取画面的 0 至 1",
  "a date and time": "日期时间",
  "a date and time of the calendar": "日历上存在的日期时间",
  "a date, YYYY-MM-DD": "日期 YYYY-MM-DD",
  "a time of day, HH:MM": "时刻 HH:MM",
  "a time of the day as HH:MM": "时刻 HH:MM",
  "a time after from": "晚于 from 的时间",
  "a device": "一台设备",
  "a node": "一个节点",
  "a device that is read every 1000 ms, or a lower minValidPct": "每 1000 ms 读取的设备，或较小的 minValidPct",
  "a device that is read every 1000 ms, or a lower raiseMinValidS": "每 1000 ms 读取的设备，或较小的 raiseMinValidS",
  "a host name or an address": "主机名或地址",
  "an address or a host name": "地址或主机名",
  "a host name, an address, or the folder of a Unix socket": "主机名、地址或 Unix 套接字的目录",
  "a multiple of 60": "60 的倍数",
  "a name of small letters, digits and -": "由小写字母、数字和 - 组成的名称",
  "a name of small letters, digits and -, at most 63": "由小写字母、数字和 - 组成的名称，最多 63 个",
  "a name such as a domain": "域名形式的名称",
  "a number from 0 to 1": "0 至 1 的数字",
  "a serial port that nothing else uses; devices that share a line name one bus":
    "别处没有使用的串口；共用线路的设备使用同一总线",
  "an IANA time zone": "IANA 时区名",
  "an address of this box, or 0.0.0.0 for all of them": "本机的一个地址，或以 0.0.0.0 表示全部",
  "an address: rtsp://HOST:PORT/PATH": "地址：rtsp://主机:端口/路径",
  "an https URL without an account": "不含账号的 https 地址",
  "an https URL; http only to this machine": "https 地址；只有发往本机才可用 http",
  "another name": "另一个名称",
  "certFile and keyFile, or neither": "certFile 与 keyFile 同时给出，或都不给",
  "clearDb at most limitDb": "clearDb 不大于 limitDb",
  "embedded, or external with its URL": "embedded，或 external 及其地址",
  "host, database, user …": "host、database、user 等",
  "host:port": "主机:端口",
  "mqtts://, or mqtt:// on 127.0.0.1 or [::1]": "mqtts://，或在 127.0.0.1 或 [::1] 上用 mqtt://",
  "mqtts://HOST:PORT": "mqtts://主机:端口",
  "mqtts://host:port": "mqtts://主机:端口",
  "mqtts://HOST:PORT; mqtt:// only to 127.0.0.1 or [::1] with insecureLoopback: true":
    "mqtts://主机:端口；只有连往 127.0.0.1 或 [::1] 且 insecureLoopback: true 时可用 mqtt://",
  "one of the two": "两者之一",
  "postgres://user@host:port/database, without a password": "postgres://用户@主机:端口/数据库，不含密码",
  "settings of one station": "一个站点的设置",
  "settings of one terminal": "一个终端的设置",
  "site.timeZone, or timeZone where there is no site": "site.timeZone；没有 site 时为 timeZone",
  "sqlite, or postgres with a URL or its parts": "sqlite，或 postgres 及其地址或各部分",
  "station: the number of the one whose wind and rain count": "station：以哪个站点的风雨为准，写其编号",
  "the name of a bus under `buses`": "`buses` 中一条总线的名称",
  "the name of a device": "一台设备的名称",
  "the name of an environment variable": "环境变量的名称",
  "the number (MN) of a station": "站点编号（MN）",
  "the number of a status": "状态编号",
  "the path of a serial port": "串口的路径",
  "the phone number of a terminal": "终端的电话号码",
  "url and secretFile": "url 与 secretFile",
  "`user` with either `passwordFile` or `passwordEnv`, or none of them":
    "`user` 加 `passwordFile` 或 `passwordEnv` 之一，或都不给",
  "no `tls` here, or an address with TLS": "去掉 `tls`，或使用带 TLS 的地址",
  "rtsp://, rtsps://, http://, https:// or file:// with what follows":
    "以 rtsp://、rtsps://、http://、https:// 或 file:// 开头的完整地址",
  "`user` and `passwordFile` beside it": "在旁边写 `user` 与 `passwordFile`",
  "the address with such characters as %27": "把这类字符写成 %27 形式的地址",
};

const NODES: Readonly<Record<string, string>> = { "named values": "一组键值", "a list": "列表", nothing: "空" };
const node = (name: string): string => NODES[name] ?? name;
const KINDS: Readonly<Record<string, string>> = {
  text: "文字",
  "a number": "数字",
  "a boolean": "真假值",
  "a object": "对象",
};
const THINGS: Readonly<Record<string, string>> = {
  ...{
    driver: "驱动",
    bus: "总线",
    device: "设备",
    rule: "规则",
    camera: "摄像机",
    input: "输入",
    "time zone": "时区",
  },
};
const thing = (name: string): string => THINGS[name] ?? name;

type Pattern = readonly [form: RegExp, say: (...parts: string[]) => string];

const FORMS: readonly Pattern[] = [
  // What was seen.
  [/^(.+) where one value belongs$/u, (seen) => `此处应为单个值，却是${node(seen)}`],
  [/^(.+) where a list belongs$/u, (seen) => `此处应为列表，却是${node(seen)}`],
  [/^(.+) where named values belong$/u, (seen) => `此处应为一组键值，却是${node(seen)}`],
  [/^(.+) is not one of the choices$/u, (seen) => `${seen} 不在可选值之内`],
  [/^text of (\d+) characters$/u, (count) => `文字有 ${count} 个字符`],
  [/^the file has (\d+) characters$/u, (count) => `文件有 ${count} 个字符`],
  [/^(.+) does not have the right form$/u, (seen) => `${seen} 的形式不对`],
  [/^(.+) is not a whole number$/u, (seen) => `${seen} 不是整数`],
  [/^(.+) is out of range$/u, (seen) => `${seen} 超出范围`],
  [/^(.+) is (text|a number|a boolean|a object)$/u, (seen, kind) => `${seen} 是${KINDS[kind] ?? kind}`],
  [/^a list of (\d+)$/u, (count) => `列表有 ${count} 项`],
  [/^(.+) cannot be a name here$/u, (seen) => `${seen} 不能用作这里的名称`],
  [/^unknown key (.+)$/u, (key) => `未知的键 ${key}`],
  [/^(.+) does not fit$/u, (seen) => `${node(seen)} 不合要求`],
  [/^(.+) lacks (\S+)$/u, (where, key) => `${where === "the file" ? "文件" : where} 缺少 ${key}`],
  [/^not readable as YAML: (.+)$/u, (said) => `不能作为 YAML 读取：${said}`],
  [/^the file cannot be read \((.+)\)$/u, (code) => `读不到该文件（${code}）`],
  [/^no (time zone|\S+) is called (.+)$/u, (what, name) => `没有名为 ${name} 的${thing(what)}`],
  [/^the model (.+) never sees (.+)$/u, (model, name) => `模型 ${model} 从不识别 ${name}`],
  [/^(\S+) names no driver$/u, (device) => `${device} 没有写明 driver`],
  [/^(\S+) already belongs to (\S+)$/u, (port, owner) => `${port} 已属于 ${owner}`],
  [/^(\S+) stands alone$/u, (name) => `只给了 ${name}`],
  [/^many stations report to (\S+), and none is named$/u, (name) => `有多个站点向 ${name} 上报，没有指明是哪一个`],
  [
    /^it would clear below (\S+) dB, above the level that raises it \((\S+) dB\)$/u,
    (clear, raise) => `低于 ${clear} dB 才解除，却高于触发值 ${raise} dB`,
  ],
  [
    /^(\S+) valid seconds are asked of a window of (\S+)$/u,
    (valid, window) => `窗口 ${window} 秒，却要求 ${valid} 个有效秒`,
  ],
  [
    /^(\S+) is read every (\S+) ms, so the rule could never be raised$/u,
    (name, period) => `${name} 每 ${period} ms 读取一次，规则永远不会触发`,
  ],
  [
    /^its device is read every (\S+) ms, so that no window could be judged$/u,
    (period) => `其设备每 ${period} ms 读取一次，没有窗口可以判定`,
  ],
  [/^(.+) has no zone (.+)$/u, (set, zone) => `${set} 没有功能区 ${zone}`],
  [/^a window of (\S+) s is no whole number of minutes$/u, (window) => `窗口 ${window} 秒不是整分钟`],
  [
    /^a clip of (\S+) s before and (\S+) s after does not fit into (\S+) s$/u,
    (before, after, ring) => `前 ${before} 秒、后 ${after} 秒的片段放不进 ${ring} 秒`,
  ],
  [
    /^timeoutMs (\S+) is not shorter than periodMs (\S+)$/u,
    (timeout, period) => `timeoutMs ${timeout} 不小于 periodMs ${period}`,
  ],
  [
    /^periodMs (\S+) is shorter than this model stands \((\S+)\)$/u,
    (period, least) => `periodMs ${period} 短于该型号的下限 ${least}`,
  ],
  // What would have been right.
  [/^one of (.+)$/u, (names) => `以下之一：${names}`],
  [/^a whole number (.+)$/u, (range) => `整数，${inRange(range)}`],
  [/^a number (.+)$/u, (range) => `数字，${inRange(range)}`],
  [/^a list (of .+)$/u, (range) => `列表，${inRange(range)} 项`],
  [/^text (of .+) characters$/u, (range) => `文字，${inRange(range)} 个字符`],
  [/^text of the form (.+)$/u, (form) => `形如 ${form} 的文字`],
  [/^named values: (.+)$/u, (names) => `一组键值：${names}`],
  [/^a name like (.+)$/u, (form) => `形如 ${form} 的名称`],
  [/^a readable file at (.+)$/u, (path) => `${path} 处可读的文件`],
  [/^an? (\S+) that is defined under (\S+)$/u, (what, section) => `${section} 中定义的${thing(what)}`],
  [
    /^a device: driver: one of (.+), and that driver's settings$/u,
    (names) => `设备：driver 为以下之一：${names}，及该驱动的设置`,
  ],
  [/^at most (\d+) levels$/u, (most) => `最多 ${most} 层`],
  [/^at most (\d+) values, (\d+) levels deep$/u, (values, levels) => `最多 ${values} 个值、${levels} 层`],
  [/^(\w+) at most (\S+)$/u, (key, most) => `${key} 不大于 ${most}`],
  [/^(\w+) at least (\S+)$/u, (key, least) => `${key} 不小于 ${least}`],
];

function inRange(range: string): string {
  return range
    .replace(/^(?:from|of) (\S+) to (\S+)$/u, "$1 至 $2")
    .replace(/^above (\S+)$/u, "大于 $1")
    .replace(/^of at least (\S+)$/u, "至少 $1")
    .replace(/^of at most (\S+)$/u, "至多 $1");
}

/** A sentence of a config's check in Chinese; undefined where it is not known. Names, values and keys stay as they are written. */
export function inChinese(sentence: string): string | undefined {
  const whole = WHOLE[sentence];
  if (whole !== undefined) return whole;
  const [, path = "", rest = ""] = /^([\w.@-]+): (.+)$/su.exec(sentence) ?? [];
  const said = rest === "" ? undefined : inChinese(rest);
  if (said !== undefined) return `${path}：${said}`;
  const options = sentence.split(", or ");
  const told = options.length > 1 ? options.map(inChinese) : [];
  if (told.length > 0 && told.every((option) => option !== undefined)) return told.join("，或 ");
  for (const [form, say] of FORMS) {
    const found = form.exec(sentence);
    if (found !== null) return say(...found.slice(1));
  }
  return undefined;
}

/** The fault as it is told in Chinese; a sentence that is not known here is told by its code, and as it was. */
export function faultInChinese(fault: DocumentFault): DocumentFault {
  const message = inChinese(fault.message) ?? `${MEANINGS[fault.code]}（原文：${fault.message}）`;
  return { ...fault, message, expected: inChinese(fault.expected) ?? fault.expected };
}
