import { createServer, type ListenOptions, type Server } from "node:net";
import { freePort } from "@tidemark/local-postgres";

/** A loopback port that is the holder's, whether anything listens there or not. */
export interface ClaimedPort extends AsyncDisposable {
  readonly port: number;
}

/**
 * Claims a port for a server that is stopped and started again. Whoever asks the kernel for any port is never given it, since
 * it lies below those (from 32,768 on; Linux, ip_local_port_range), and no other test is, since a name in the kernel says that
 * it is taken. The name goes with the process. Elsewhere than on Linux it is merely free now.
 */
export async function claimPort(): Promise<ClaimedPort> {
  if (process.platform !== "linux") return { port: await freePort(), [Symbol.asyncDispose]: async () => undefined };
  const first = Math.floor(Math.random() * portCount);
  for (let at = 0; at < portCount; at++) {
    const port = lowest + ((first + at) % portCount);
    // Undefined where no such name may be had: the port is merely free now.
    const claim = await listening({ path: `\0tidemark-test-port-${port}` }).catch(() => undefined);
    if (claim === null) continue;
    const probe = await listening({ port, host: "127.0.0.1", exclusive: true });
    if (probe !== null) {
      await closed(probe);
      return { port, [Symbol.asyncDispose]: () => closed(claim) };
    }
    await closed(claim);
  }
  throw new Error(`no port from ${lowest} to ${lowest + portCount - 1} is free`);
}

/** One that is claimed for as long as this process lives. */
export async function ownPort(): Promise<number> {
  return (await claimPort()).port;
}

const lowest = 20_000;
const portCount = 12_000;

/** Null when somebody else listens there. */
function listening(where: ListenOptions): Promise<Server | null> {
  return new Promise((resolve, reject) => {
    const server = createServer().unref();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(null) : reject(error),
    );
    server.listen(where, () => resolve(server));
  });
}

async function closed(server: Server | undefined): Promise<void> {
  await new Promise<void>((resolve) => (server === undefined ? resolve() : server.close(() => resolve())));
}
