import { AppError, describeError } from "@tidemark/kit";
import { BackOff } from "./back-off.ts";
import { pause } from "./pause.ts";
import { ReceiverMemory, receiveSession } from "./receive-session.ts";
import type { ReceiveWalControl, ReceiveWalDeps, ReceiveWalRequest } from "./receive-types.ts";
import { ReceiverState } from "./receiver-state.ts";

/**
 * Receives a server's WAL into the repository until it is told to stop; whatever goes wrong with the server, the line or
 * the store is told as a state and tried again, for ever. What is reported to the server as flushed is durable.
 *
 * connecting → streaming ⇄ catching-up → waiting (for the next try) → connecting …; stopped at the end.
 *
 * @throws AppError `lease-lost`: somebody else receives now.
 */
export async function receiveWal(
  deps: ReceiveWalDeps,
  request: ReceiveWalRequest,
  control: ReceiveWalControl,
): Promise<void> {
  const state = new ReceiverState(deps.clock, deps.onState);
  const memory = new ReceiverMemory(request.systemIdentifier);
  const backOff = new BackOff({ longestMs: request.longestPauseMs ?? defaultLongestPauseMs, random: Math.random });
  let tries = 0;
  try {
    while (!control.signal.aborted) {
      state.update({ state: "connecting", reconnects: tries++ });
      try {
        const isClaimSure = (await deps.confirmClaim?.()) !== "unknown";
        const onReceived = (): void => backOff.reset();
        await receiveSession({ deps, request, state, memory, isClaimSure, onReceived, stopSignal: control.signal });
      } catch (error) {
        if (error instanceof AppError && error.code === "lease-lost") throw error;
        if (control.signal.aborted) break;
        const pauseMs = backOff.next(error);
        deps.logger.warn({ err: error, pauseMs }, "receiving WAL was interrupted");
        state.update({ state: "waiting", error: describeError(error) });
        await pause(pauseMs, control.signal);
      }
    }
  } finally {
    state.update({ state: "stopped" });
  }
}

const defaultLongestPauseMs = 5_000;
