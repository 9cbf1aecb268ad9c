import { AppError } from "@tidemark/kit";
import type { HeldLease } from "@tidemark/metadata";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { claimTtlMs, holdClaim } from "./wal-claim.ts";

const lease: HeldLease = { key: "wal:srv_1", fence: 7n, expiresAt: new Date(0) };

/** A claim whose clock and metadata the test moves. */
function claimed(answer: { value: "renewed" | "taken" | "away" }) {
  const clock = fakeClock();
  let asked = 0;
  const startedMs = clock.monotonicMs();
  const claim = holdClaim(
    {
      workerId: "wrk_01m80cygtt73kt2by11pp08nkm",
      clock,
      metadata: {
        walClaims: {
          board: () => Promise.reject(new Error("not asked for")),
          renewAll: async () => {
            asked++;
            if (answer.value === "away") throw new AppError("metadata-unreachable", { message: "away" });
            return answer.value === "renewed" ? [lease] : [];
          },
        },
      },
    },
    "srv_1",
    lease,
    startedMs,
  );
  return { claim, pass: (ms: number) => clock.advance(ms), asked: () => asked };
}

describe("a claim to receive a server's WAL", () => {
  it("is ours while it was renewed a moment ago, without asking", async () => {
    const { claim, pass, asked } = claimed({ value: "away" });
    pass(claimTtlMs / 2);
    expect([await claim.confirm(), asked()]).toEqual(["ours", 0]);
    claim.renewed(claimTtlMs / 2);
    pass(claimTtlMs / 2);
    expect([await claim.confirm(), asked()]).toEqual(["ours", 0]);
  });

  it("is asked for when that is long ago: renewed it is ours again", async () => {
    const { claim, pass, asked } = claimed({ value: "renewed" });
    pass(10 * claimTtlMs);
    expect([await claim.confirm(), asked()]).toEqual(["ours", 1]);
  });

  it("is not known while the metadata is away: WAL is received on, but nobody's session is ended", async () => {
    const answer = { value: "away" as "away" | "renewed" };
    const { claim, pass } = claimed(answer);
    pass(10 * claimTtlMs);
    expect(await claim.confirm()).toBe("unknown");
    answer.value = "renewed";
    expect(await claim.confirm()).toBe("ours");
  });

  it("is lost to a worker that was paused past it and finds another one there", async () => {
    const { claim, pass } = claimed({ value: "taken" });
    pass(10 * claimTtlMs);
    await expect(claim.confirm()).rejects.toMatchObject({ code: "lease-lost" });
    await expect(claim.confirm()).rejects.toMatchObject({ code: "lease-lost" });
  });

  it("names its pieces by its fence, so that successors never write under one name", () => {
    const { claim } = claimed({ value: "renewed" });
    expect(claim.writer).toMatch(/^f7-[a-z0-9]{12}$/);
  });
});
