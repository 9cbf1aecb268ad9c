import { AppError } from "@tidemark/kit";
import type { ConnectionSettings } from "../connection/connection-settings.ts";
import { type OpenedSocket, openSocket } from "../connection/socket.ts";
import { encodeCancelRequest } from "../wire/frontend-messages.ts";
import type { CancelKey } from "./wire-session.ts";

/**
 * Asks the server, over a connection of its own, to stop what a session is doing. A session that waits for a spread
 * checkpoint would not notice for minutes that its client is gone.
 *
 * The server never says whether it worked. Encrypted when the session is, since the key would let others cancel.
 */
export async function sendCancelRequest(
  settings: ConnectionSettings,
  opened: OpenedSocket,
  key: CancelKey,
): Promise<void> {
  const timeout = new AbortController();
  const timer = setTimeout(
    () => timeout.abort(new AppError("connection-timeout", { message: "cancelling took too long" })),
    5_000,
  );
  try {
    const { socket } = await openSocket(
      settings,
      { ...opened.address, hostAddress: opened.ip ?? opened.address.hostAddress },
      { encryption: opened.tls === null ? "plain" : "tls", reading: "stream", signal: timeout.signal },
    );
    const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
    timeout.signal.addEventListener("abort", () => socket.destroy(), { once: true });
    socket.resume();
    socket.end(encodeCancelRequest(key.processId, key.secretKey));
    await closed;
  } finally {
    clearTimeout(timer);
  }
}
