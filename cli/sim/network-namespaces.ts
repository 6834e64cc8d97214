import process from "node:process";

const NAME = /^shao-link-(\d+)-[a-z0-9]+-(near|middle|far)$/;

/** Runs a command to its end. @returns its stdout */
export type RunCommand = (command: string, args: readonly string[]) => string;

export function namespaceNames(tag: string): { readonly near: string; readonly middle: string; readonly far: string } {
  const name = (part: string) => `shao-link-${process.pid}-${tag}-${part}`;
  return { near: name("near"), middle: name("middle"), far: name("far") };
}

/** Ends what still runs in these namespaces, by process id, and takes them away; this process stays. */
export function removeNamespaces(names: readonly string[], run: RunCommand): void {
  for (const name of names) {
    for (const pid of run("ip", ["netns", "pids", name]).split("\n").map(Number)) {
      if (pid > 0 && pid !== process.pid) endProcess(pid);
    }
    run("ip", ["netns", "del", name]);
  }
}

/** Namespaces of links whose process is gone, as a kill leaves them. */
export function leftNamespaces(run: RunCommand): readonly string[] {
  return run("ip", ["netns", "list"])
    .split("\n")
    .map((line) => line.split(" ")[0] ?? "")
    .filter((name) => {
      const pid = Number(NAME.exec(name)?.[1]);
      return pid > 0 && !isAlive(pid);
    });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

function endProcess(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch {
    // It has ended by itself meanwhile.
  }
}
