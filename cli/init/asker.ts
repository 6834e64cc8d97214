import { spawnSync } from "node:child_process";
import process from "node:process";
import { createInterface } from "node:readline";

/** Asks on stderr and reads lines of stdin, whether a person types them or a file has them. */
export class Asker implements Disposable {
  readonly #takesDefaults: boolean;
  readonly #reader = createInterface({ input: process.stdin, terminal: false });
  readonly #lines = this.#reader[Symbol.asyncIterator]();

  /** @param takesDefaults asks nothing: each question has its own answer */
  constructor(takesDefaults: boolean) {
    this.#takesDefaults = takesDefaults;
  }

  /** @param check says what is wrong with an answer; it is asked again. @returns the answer, or `fallback` for an empty line */
  async ask(question: string, fallback: string, check: (answer: string) => string | undefined = () => undefined) {
    if (this.#takesDefaults) return fallback;
    for (;;) {
      process.stderr.write(fallback === "" ? `${question}: ` : `${question} [${fallback}]: `);
      const { value, done } = await this.#lines.next();
      if (done === true) {
        process.stderr.write("\n");
        return fallback;
      }
      const answer = value.trim() === "" ? fallback : value.trim();
      const wrong = answer === fallback ? undefined : check(answer);
      if (wrong === undefined) return answer;
      process.stderr.write(`  ${wrong}\n`);
    }
  }

  /** Asks for what nobody else should read: a terminal does not show it. */
  async askSecret(question: string): Promise<string> {
    if (!process.stdin.isTTY) return this.ask(question, "");
    const echo = (isOn: boolean) =>
      spawnSync("stty", [isOn ? "echo" : "-echo"], { stdio: ["inherit", "ignore", "ignore"] });
    // A terminal that is left without echo looks broken.
    const onInterrupt = () => {
      echo(true);
      process.exit(130);
    };
    process.once("SIGINT", onInterrupt);
    echo(false);
    try {
      return await this.ask(question, "");
    } finally {
      echo(true);
      process.off("SIGINT", onInterrupt);
      process.stderr.write("\n");
    }
  }

  /** @returns the index of the choice, the first by default */
  async choose(question: string, choices: readonly string[]): Promise<number> {
    for (const [at, choice] of choices.entries()) process.stderr.write(`  ${at + 1}  ${choice}\n`);
    const isOne = (answer: string) => /^\d+$/.test(answer) && Number(answer) >= 1 && Number(answer) <= choices.length;
    return Number(await this.ask(question, "1", (answer) => (isOne(answer) ? undefined : `1-${choices.length}`))) - 1;
  }

  [Symbol.dispose](): void {
    this.#reader.close();
  }
}
