import type { Locale } from "../locale.ts";

interface Fault {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
}

/** What the first hour on site meets, in Chinese; the code stays, so that docs/errors.md is found. */
const ZH: Readonly<Record<string, readonly [message: string, hint: string]>> = {
  PORT_NOT_FOUND: ["没有这个串口", "转换器插好了吗？`ls -l /dev/serial/by-id` 列出现有串口"],
  PORT_BUSY: ["串口被别的程序占用", "停止那个程序；`fuser -v 串口` 显示是谁"],
  PORT_DENIED: ["没有打开串口的权限", "把账号加入 dialout 组：`usermod -aG dialout shao`"],
  PORT_NOT_SERIAL: ["不能作为串口打开", "检查路径，以及转换器是否支持该波特率"],
  CONNECTION_REFUSED: ["对方拒绝连接", "检查端口号，以及设备上该服务是否开启"],
  CONNECTION_TIMEOUT: ["连接没有应答", "检查电源、网线和地址"],
  CONNECTION_LOST: ["连接被对方关闭", "串口服务器同时只容许很少的客户端：是否另有程序连着？"],
  HOST_NOT_FOUND: ["找不到该主机名", "改用 IP 地址，或检查 DNS"],
  CAMERA_SILENT: ["摄像机已连接，但没有画面", "检查其编码设置与网络带宽"],
  CAMERA_UNREACHABLE: ["摄像机地址没有应答", "检查电源、网线和地址"],
  CAMERA_AUTH: ["摄像机不接受该账号", "检查账号与密码；连续错误会被锁定一段时间"],
  CAMERA_NO_STREAM: ["摄像机没有这一路视频", "检查地址中的路径"],
};

export function faultWords({ code, message, hint }: Fault, locale: Locale): { message: string; hint: string } {
  const words = locale === "zh-CN" ? ZH[code] : undefined;
  return words === undefined ? { message, hint } : { message: `${words[0]}（${code}）`, hint: words[1] };
}
