import { describe, expect, it } from "vitest";
import {
  buildModel,
  compareLsn,
  isRecoverable,
  nearestRecoverable,
  snapTo,
  step,
  within,
  zoom,
} from "./timeline-model.ts";
import type { Lifetime } from "./window-query.ts";

const at = (minute: number) => new Date(Date.UTC(2026, 10, 1, 12, minute)).toISOString();
const ms = (minute: number) => Date.parse(at(minute));
const instant = (lsn: string, minute: number | null) => ({ timeline: 1, lsn, at: minute === null ? null : at(minute) });
const now = new Date(ms(60));

/** Recoverable from 10 to 20 and from 40 to 50, a gap between, and a second timeline that left at 15. */
const lifetime: Lifetime = {
  systemIdentifier: "7",
  liveEdge: {
    timeline: 1,
    durableLsn: "0/9000000",
    reachable: true,
    lastCommit: { at: at(50), lsn: "0/8FFFFFF", xid: 9 },
  },
  timelines: [
    {
      timeline: 1,
      parent: null,
      switchLsn: null,
      stretches: [
        {
          from: instant("0/1000000", 10),
          to: instant("0/4000000", 20),
          backupCount: 1,
          backups: [{ id: "bkp_1", finishedAt: at(10), stopLsn: "0/1000000", label: null }],
          expiresAt: null,
        },
        {
          from: instant("0/7000000", 40),
          to: instant("0/9000000", 50),
          backupCount: 1,
          backups: [{ id: "bkp_2", finishedAt: at(40), stopLsn: "0/7000000", label: "second" }],
          expiresAt: null,
        },
      ],
      gaps: [
        {
          timeline: 1,
          fromLsn: "0/4000000",
          toLsn: "0/6000000",
          cause: "the slot was dropped",
          before: instant("0/4000000", 20),
          after: instant("0/7000000", 40),
        },
      ],
      withoutBase: [{ from: instant("0/6000000", 35), to: instant("0/7000000", 40) }],
      restorePoints: [
        { name: "release", at: at(15), lsn: "0/2000000", timeline: 1, reachable: true },
        { name: "lost", at: at(37), lsn: "0/6500000", timeline: 1, reachable: false },
      ],
    },
    {
      timeline: 2,
      parent: 1,
      switchLsn: "0/2500000",
      stretches: [
        { from: instant("0/1000000", 10), to: instant("0/3000000", 18), backupCount: 0, backups: [], expiresAt: null },
      ],
      gaps: [],
      withoutBase: [],
      restorePoints: [],
    },
  ],
};

const model = buildModel(lifetime, now);
const [first, second] = model.lanes;
if (first === undefined || second === undefined) throw new Error("two lanes are drawn");

describe("the recoverable time line", () => {
  it("reaches from the first thing to the present, with a lane for each timeline", () => {
    expect(model.domain.fromMs).toBeLessThan(ms(0));
    expect(model.domain.toMs).toBeGreaterThan(ms(60));
    expect(first.spans.map(({ kind, fromMs, toMs }) => [kind, fromMs, toMs])).toEqual([
      ["without-base", ms(35), ms(40)],
      ["gap", ms(20), ms(40)],
      ["recoverable", ms(10), ms(20)],
      ["recoverable", ms(40), ms(50)],
    ]);
    expect(model.edge).toEqual({ ms: ms(50), timeline: 1 });
    expect(second.forkMs).toBe(ms(10));
  });

  it("lets nobody choose what cannot be restored to", () => {
    expect(isRecoverable(first, ms(15))).toBe(true);
    expect(isRecoverable(first, ms(30))).toBe(false);
    expect(nearestRecoverable(first, ms(24))).toBe(ms(20));
    expect(nearestRecoverable(first, ms(36))).toBe(ms(40));
    expect(nearestRecoverable(first, ms(59))).toBe(ms(50));
    expect(nearestRecoverable({ ...first, spans: [] }, ms(1))).toBeNull();
  });

  it("steps over a gap, and stays at the ends", () => {
    expect(step(first, ms(19), 60_000)).toBe(ms(20));
    expect(step(first, ms(20), 60_000)).toBe(ms(40));
    expect(step(first, ms(40), -60_000)).toBe(ms(20));
    expect(step(first, ms(50), 60_000)).toBe(ms(50));
    expect(step(first, ms(10), -1000)).toBe(ms(10));
  });

  it("snaps to what can be restored to and is near", () => {
    expect(snapTo(first, ms(15) + 900, 1000)?.title).toBe("Restore point release");
    expect(snapTo(first, ms(15) + 1100, 1000)).toBeNull();
    expect(snapTo(first, ms(37), 1000)).toBeNull();
    expect(snapTo(first, ms(40), 1000)?.title).toBe("Backup second");
  });

  it("zooms around a point from years to seconds and stays within what there is", () => {
    const bounds = { fromMs: 0, toMs: 1_000_000 };
    const half = zoom(bounds, bounds, 250_000, 0.5);
    expect(half).toEqual({ fromMs: 125_000, toMs: 625_000 });
    expect(zoom(half, bounds, 250_000, 100)).toEqual(bounds);
    const closest = zoom(half, bounds, 250_000, 1e-9);
    expect(closest.toMs - closest.fromMs).toBe(2_000);
    expect(within({ fromMs: 900_000, toMs: 1_100_000 }, bounds)).toEqual({ fromMs: 800_000, toMs: 1_000_000 });
  });

  it("compares LSNs by value", () => {
    expect(compareLsn("0/FFFFFFFF", "1/0")).toBe(-1);
    expect(compareLsn("A/0", "9/FFFFFFFF")).toBe(1);
    expect(compareLsn("0/10", "0/00000010")).toBe(0);
  });
});
