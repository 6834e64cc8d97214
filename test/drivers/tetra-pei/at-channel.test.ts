import { expect, test } from "vitest";
import { AtChannel } from "../../../drivers/tetra-pei/at-channel.ts";
import { VirtualClock } from "../../fakes/virtual-clock.ts";

/** A radio by hand: what was written, and lines put into the channel. */
function rig(busyForMs = 15_000) {
  const clock = new VirtualClock();
  const written: string[] = [];
  const write = async (bytes: Uint8Array): Promise<void> => {
    written.push(Buffer.from(bytes).toString("latin1").replaceAll("\r\n", "|"));
  };
  const signal = new AbortController().signal;
  const channel = new AtChannel({ link: { write, peer: "radio" }, clock, signal, timeoutMs: 5000, busyForMs });
  const outcomes: string[] = [];
  const ask = (command: string, payload?: string): void => {
    channel.ask({ command, ...(payload !== undefined && { payload }) }).then(
      (lines) => outcomes.push(`${command} ${lines.join(";")}`),
      (error: { code: string }) => outcomes.push(`${command} ${error.code}`),
    );
  };
  return { clock, written, channel, outcomes, ask };
}

test("one command at a time, in the order asked", async () => {
  const { clock, written, channel, outcomes, ask } = rig();
  ask("AT+CREG?");
  ask("AT+CSQ?");
  await clock.advance(0);
  expect(written).toEqual(["AT+CREG?|"]);
  channel.take("+CREG: 1,1,1");
  channel.take("OK");
  await clock.advance(0);
  expect(written).toEqual(["AT+CREG?|", "AT+CSQ?|"]);
  channel.take("+CSQ: 22,99");
  channel.take("OK");
  await clock.advance(0);
  expect(outcomes).toEqual(["AT+CREG? +CREG: 1,1,1", "AT+CSQ? +CSQ: 22,99"]);
});

test("a busy radio is asked again and nobody overtakes; other codes are told as what they mean", async () => {
  const { clock, written, channel, outcomes, ask } = rig();
  ask("AT+CMGS=1,8", "41");
  ask("AT+CSQ?");
  await clock.advance(0);
  channel.take("+CME ERROR: 42");
  await clock.advance(499);
  expect(written).toHaveLength(1);
  await clock.advance(1);
  channel.take("+CME ERROR: 42");
  await clock.advance(1000);
  expect(written).toEqual(["AT+CMGS=1,8|41\u001a", "AT+CMGS=1,8|41\u001a", "AT+CMGS=1,8|41\u001a"]);
  channel.take("OK");
  for (const line of [
    "+CME ERROR: 30",
    "+CME ERROR: 31",
    "+CME ERROR: 35",
    "+CME ERROR: 41",
    "+CME ERROR: 77",
    "ERROR",
  ]) {
    ask("AT+X");
    await clock.advance(0);
    if (written.at(-1) === "AT+CSQ?|") channel.take("OK");
    await clock.advance(0);
    channel.take(line);
    await clock.advance(0);
  }
  expect(outcomes).toEqual([
    "AT+CMGS=1,8 ",
    "AT+CSQ? ",
    "AT+X RADIO_OUT_OF_SERVICE",
    "AT+X RADIO_NO_ACKNOWLEDGEMENT",
    "AT+X RADIO_SYNTAX",
    "AT+X RADIO_TRANSMIT_INHIBITED",
    "AT+X RADIO_REFUSED",
    "AT+X RADIO_REFUSED",
  ]);
});

test("a radio that stays busy is given up, and the next command has its turn", async () => {
  const { clock, channel, outcomes, ask } = rig(3000);
  ask("AT+CMGS=1,8", "41");
  ask("AT+CSQ?");
  for (let tries = 0; tries < 6 && outcomes.length === 0; tries++) {
    await clock.advance(0);
    channel.take("+CME ERROR: 42");
    await clock.advance(2000);
  }
  channel.take("OK");
  await clock.advance(0);
  expect(outcomes).toEqual(["AT+CMGS=1,8 RADIO_BUSY", "AT+CSQ? "]);
});

test("an answer that comes too late is never taken for the next command's", async () => {
  const { clock, written, channel, outcomes, ask } = rig();
  ask("AT+CMGS=1,8", "41");
  await clock.advance(5000);
  expect(outcomes).toEqual(["AT+CMGS=1,8 RADIO_TIMEOUT"]);
  ask("AT+CSQ?");
  await clock.advance(900);
  channel.take("OK");
  await clock.advance(900);
  expect(written).toHaveLength(1);
  await clock.advance(200);
  expect(written.at(-1)).toBe("AT|");
  channel.take("OK");
  await clock.advance(0);
  expect(written.at(-1)).toBe("AT+CSQ?|");
  channel.take("+CSQ: 5,99");
  channel.take("OK");
  await clock.advance(0);
  expect(outcomes.at(-1)).toBe("AT+CSQ? +CSQ: 5,99");
});

test("a radio that answers nothing at all is said to be gone", async () => {
  const { clock, outcomes, ask } = rig();
  ask("AT+CREG?");
  ask("AT+CSQ?");
  await clock.advance(60_000);
  expect(outcomes).toEqual(["AT+CREG? RADIO_TIMEOUT", "AT+CSQ? RADIO_NO_ANSWER"]);
});

test("what comes unasked is handed on, an echo and a prompt are not, and an echo is counted", async () => {
  const { clock, channel, outcomes, ask } = rig();
  ask("AT+CMGS=1,8", "41");
  await clock.advance(0);
  const lines = ["AT+CMGS=1,8", ">", "41\u001a", "+CTXG: 1,3", "+CREG: 0,1,1", "+CMGS: 0,4,65", "OK", "OK"];
  expect(lines.map((line) => channel.take(line))).toEqual([true, true, true, false, false, true, true, true]);
  await clock.advance(0);
  expect(outcomes).toEqual(["AT+CMGS=1,8 +CMGS: 0,4,65"]);
  expect(channel.takeEchoes()).toBe(2);
  expect(channel.takeEchoes()).toBe(0);
});

test("commands that would wait without end are refused", async () => {
  const { clock, outcomes, ask } = rig();
  for (let index = 0; index < 66; index++) ask("AT");
  await clock.advance(0);
  expect(outcomes).toEqual(["AT RADIO_QUEUE_FULL", "AT RADIO_QUEUE_FULL"]);
});
