import { AppError, type Logger } from "@tidemark/kit";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { type OpenedSocket, openSocket } from "../connection/socket.ts";
import { encodeCancelRequest } from "../wire/frontend-messages.ts";
import type { CancelKey, WireSession } from "./wire-session.ts";

/**
 * Asks the server, over a connection of its own, to stop what a session is doing. A session that waits for a spread
 * checkpoint would not notice for minutes that its client is gone.
 *
 * The server never says whether it worked. Encrypted when the session is, since the key would let others cancel.
 */
async function sendCancelRequest(settings: ConnectionSettings, opened: OpenedSocket, key: CancelKey): Promise<void> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new AppError("connection-timeout", { message: "cancelling took too long" })),
    5_000,
  );
  try {
    const { socket, source } = await openSocket(
      settings,
      { ...opened.address, hostAddress: opened.ip ?? opened.address.hostAddress },
      { encryption: opened.tls === null ? "plain" : "tls", reading: "stream", signal: timeout.signal },
    );
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    timeout.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    source.fail(timeout.signal.reason);
    socket.end(encodeCancelRequest(key.processId, key.secretKey));
    await closed;
  } finally {
    clearTimeout(timer);
  }
}

/** Has the server stop what it does for `wire`, as far as it can be reached. Never throws. */
export async function askToCancel(
  settings: ConnectionSettings,
  wire: WireSession,
  logger: Logger | undefined,
): Promise<void> {
  const { cancelKey, opened } = wire;
  if (cancelKey === null || opened.socket.destroyed) return;
  try {
    await sendCancelRequest(settings, opened, cancelKey);
  } catch (cause) {
    // The server ends the session anyway when it next writes to the closed socket.
    logger?.warn({ err: cause }, "the server could not be asked to cancel");
  }
}
