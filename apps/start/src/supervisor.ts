import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { identifyProcess, type ProcessIdentity } from "@tidemark/kit";
import { createChildLog } from "./child-log.ts";
import type { HomePaths } from "./home.ts";
import { writeRoll } from "./process-roll.ts";
import { type ProcessSpec, type SupervisedProcess, superviseProcess } from "./supervised-process.ts";

/** Everything that was brought up, and the roll that tells the next start about it after a `kill -9`. */
export interface Supervisor {
  start(spec: ProcessSpec): SupervisedProcess;
  /** A PostgreSQL server of ours; servers are shut down in the order they were noted. */
  noteCluster(dataDir: string): void;
  /** SIGKILL for every child, at once. */
  killChildren(): void;
  /** Waits until the roll is written and lets the watcher go. */
  close(): Promise<void>;
}

/** Begins with the watcher, so that nothing is ever started that nobody would end. */
export function createSupervisor(paths: HomePaths, onWarning: (text: string) => void): Supervisor {
  const children: SupervisedProcess[] = [];
  const clusters: string[] = [];
  const watcher = startWatcher(paths.root);
  const watcherIdentity = watcher.pid === undefined ? null : identifyProcess(watcher.pid);
  let writing: Promise<void> = Promise.resolve();
  const writeDown = () => {
    writing = writing
      .then(() => writeRoll(paths.root, { watcher: watcherIdentity, children: living(children), clusters }))
      .catch((error: unknown) => onWarning(`the list of processes could not be written: ${String(error)}`));
  };
  writeDown();
  return {
    start(spec) {
      const log = createChildLog(join(paths.logs, `${spec.name}.log`));
      const child = superviseProcess(spec, { log, onWarning, onChange: writeDown });
      children.push(child);
      writeDown();
      return child;
    },
    noteCluster(dataDir) {
      if (!clusters.includes(dataDir)) clusters.unshift(dataDir);
      writeDown();
    },
    killChildren() {
      for (const child of children) child.kill();
    },
    async close() {
      await writing;
      if (watcher.connected) watcher.disconnect();
    },
  };
}

function startWatcher(home: string): ChildProcess {
  const watcher = fork(fileURLToPath(new URL("./watcher.ts", import.meta.url)), [home], {
    detached: true,
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  watcher.unref();
  watcher.channel?.unref();
  return watcher;
}

function living(children: readonly SupervisedProcess[]): (ProcessIdentity & { readonly name: string })[] {
  return children.flatMap((child) => {
    const identity = child.identity();
    return identity === null ? [] : [{ ...identity, name: child.name }];
  });
}
