import { createServer } from "node:net";
import { expect, it } from "vitest";
import { claimPort } from "./claim-port.ts";

it("claims a port that can be listened on, for nobody else until it is given back", async () => {
  const claims = await Promise.all(Array.from({ length: 50 }, () => claimPort()));
  expect(new Set(claims.map(({ port }) => port)).size).toBe(50);
  for (const { port } of claims) {
    const server = createServer();
    await new Promise<void>((resolve, reject) => {
      server.once("error", reject).listen(port, "127.0.0.1", () => server.close(() => resolve()));
    });
  }
  for (const claim of claims) await claim[Symbol.asyncDispose]();
});
