import { createServer, type Socket } from "node:net";
import { expect, it } from "vitest";
import { type PingAnswer, ping } from "./ping.ts";

/** What a server that answers the start-up packet with `bytes`, one write each, is taken for. */
async function pingServer(writes: readonly Buffer[]): Promise<PingAnswer> {
  const answer = (socket: Socket) =>
    socket.once("data", () => {
      for (const bytes of writes) socket.write(bytes);
      socket.end();
    });
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("no port");
  try {
    return await ping({ host: "127.0.0.1", port: address.port }, "postgres", 1_000);
  } finally {
    server.close();
  }
}

function errorResponse(sqlState: string): Buffer {
  const fields = Buffer.from(`SFATAL\0VFATAL\0C${sqlState}\0Mno\0\0`);
  const head = Buffer.from([0x45, 0, 0, 0, 0]);
  head.writeUInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

it("takes an authentication request for readiness", async () => {
  expect(await pingServer([Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 3])])).toBe("accepting");
});

it("tells a server that is starting up, in whatever pieces its answer comes", async () => {
  const answer = errorResponse("57P03");
  for (let at = 1; at < answer.length; at++) {
    expect(await pingServer([answer.subarray(0, at), answer.subarray(at)])).toBe("rejecting");
  }
});

it("takes any other refusal for readiness: somebody looked at who we are", async () => {
  expect(await pingServer([errorResponse("28000")])).toBe("accepting");
});

it("calls a server silent that hangs up without a word", async () => {
  expect(await pingServer([])).toBe("silent");
});

it("calls a closed port silent", async () => {
  expect(await ping({ host: "127.0.0.1", port: 1 }, "postgres", 1_000)).toBe("silent");
});
