import { createServer } from "node:net";

/**
 * A TCP port of the loopback address that was free a moment ago, picked by the kernel. Somebody else may take it
 * before it is used: be ready to ask for another.
 */
export function freePort(host = "127.0.0.1"): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen({ host, port: 0, exclusive: true }, () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("the kernel gave no port"));
        else resolve(address.port);
      });
    });
  });
}
