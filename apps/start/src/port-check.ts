import { createServer } from "node:net";
import { AppError, systemErrorCode } from "@tidemark/kit";

/** Throws `port-taken` when somebody listens there already, with what to do. */
export async function requireFreePort(host: string, port: number): Promise<void> {
  const server = createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject);
      server.listen({ host, port, exclusive: true }, resolve);
    });
  } catch (error) {
    throw explain(host, port, error);
  } finally {
    await new Promise<void>((resolve) => server.close(() => resolve()));
  }
}

function explain(host: string, port: number, error: unknown): unknown {
  switch (systemErrorCode(error)) {
    case "EADDRINUSE":
      return new AppError("port-taken", {
        message: `port ${port} of ${host} is taken by another program`,
        hint: `stop that program, or choose another port: PORT=${port + 1} npm start`,
        cause: error,
      });
    case "EACCES":
      return new AppError("port-taken", {
        message: `port ${port} may only be used by root`,
        hint: "choose a port from 1024 on with PORT",
        cause: error,
      });
    case "EADDRNOTAVAIL":
    case "ENOTFOUND":
      return new AppError("setting-invalid", {
        message: `HOST=${host} is no address of this machine`,
        hint: "use 127.0.0.1 for this machine alone, 0.0.0.0 for all its addresses",
        cause: error,
      });
    default:
      return error;
  }
}
