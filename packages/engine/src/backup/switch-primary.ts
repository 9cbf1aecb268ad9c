import type { Clock } from "@tidemark/kit";
import { type BackgroundSwitch, switchWalInBackground } from "@tidemark/postgres";
import type { ActControl } from "../act.ts";
import type { ConnectPrimary } from "./backup-source.ts";

/** WAL switches on a standby's primary while its backup stops; ended by disposing it, on every way out. */
export interface PrimarySwitch extends AsyncDisposable {
  /** Begins them; the second call does nothing. */
  begin(): void;
}

/** Does nothing without a primary. What went wrong is said in the act's log: the backup may well end without it. */
export function switchPrimary(connect: ConnectPrimary | undefined, clock: Clock, control: ActControl): PrimarySwitch {
  let running: BackgroundSwitch | null = null;
  return {
    begin: () => {
      if (connect === undefined) return;
      running ??= switchWalInBackground({ connect, clock });
    },
    [Symbol.asyncDispose]: async () => {
      if (running === null) return;
      const { closedFiles, error } = await running.stop();
      running = null;
      if (closedFiles.length > 0) {
        control.emit({ kind: "log", level: "info", message: `the primary closed ${closedFiles.join(", ")}` });
      }
      if (error === null) return;
      const message = `WAL could not be switched on the primary while the backup stopped: ${error.message}`;
      control.emit({ kind: "log", level: "warning", message });
    },
  };
}
