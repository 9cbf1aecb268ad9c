import { createConnection, type NetConnectOpts } from "node:net";

/** Like libpq's PQping: `accepting` connections, `rejecting` them (starting up or shutting down), or no answer. */
export type PingAnswer = "accepting" | "rejecting" | "silent";

/** Asks a server whether it takes connections, without logging in: it sends a start-up packet and reads the verdict. */
export function ping(target: NetConnectOpts, user: string, timeoutMs: number): Promise<PingAnswer> {
  return new Promise((resolve) => {
    const socket = createConnection(target);
    let received = Buffer.alloc(0);
    const finish = (answer: PingAnswer) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => finish("silent"));
    socket.on("error", () => finish("silent"));
    socket.on("close", () => finish("silent"));
    socket.on("connect", () => socket.write(startupPacket(user)));
    socket.on("data", (chunk) => {
      received = Buffer.concat([received, chunk]);
      const answer = judge(received);
      if (answer !== null) finish(answer);
    });
  });
}

/** Protocol 3.0 start-up packet (protocol-message-formats, StartupMessage): length, version, name-value pairs, zero. */
function startupPacket(user: string): Buffer {
  const body = Buffer.from(`user\0${user}\0database\0postgres\0application_name\0tidemark ping\0\0`);
  const head = Buffer.alloc(8);
  head.writeUInt32BE(head.length + body.length, 0);
  head.writeUInt32BE(0x0003_0000, 4);
  return Buffer.concat([head, body]);
}

/**
 * An authentication request means it takes connections; so does any refusal but cannot_connect_now (57P03), since it
 * comes from a backend that looked at who we are.
 */
function judge(received: Buffer): PingAnswer | null {
  const type = received[0];
  if (type === undefined || received.length < 5) return null;
  if (type !== 0x45 /* E */) return "accepting";
  if (received.length < 1 + received.readUInt32BE(1)) return null;
  return received.includes("C57P03\0", 0, "latin1") ? "rejecting" : "accepting";
}
