import { expect, it } from "vitest";
import { redisServer } from "./redis-server.ts";

it("is a real server that answers commands and forgets everything on FLUSHALL", async () => {
  await using redis = await redisServer();
  expect(await redis.command("SET tide high")).toBe("+OK");
  expect(await redis.command("EXISTS tide")).toBe(":1");
  expect(await redis.command("FLUSHALL")).toBe("+OK");
  expect(await redis.command("EXISTS tide")).toBe(":0");
});
