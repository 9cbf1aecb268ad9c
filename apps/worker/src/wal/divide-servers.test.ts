import type { WalBoard } from "@tidemark/metadata";
import { describe, expect, it } from "vitest";
import { type DivideRequest, divideServers } from "./divide-servers.ts";

const none: ReadonlySet<string> = new Set();

/** `a:w1 b:-` is a server a that worker w1 has and a server b nobody has; workers as `w1:capacity`. */
function board(servers: string, workers: string): WalBoard {
  const candidates = servers.split(" ").map((text) => {
    const [serverId = "", holder] = text.split(":");
    return { serverId, workerId: holder === "-" ? null : (holder ?? null), version: 1, repositorySettings: "" };
  });
  return {
    candidates,
    workers: workers.split(" ").map((text) => {
      const [workerId = "", capacity] = text.split(":");
      const held = candidates.filter((one) => one.workerId === workerId).length;
      return { workerId, capacity: Number(capacity), held };
    }),
  };
}

function divide(view: WalBoard, workerId: string, change: Partial<DivideRequest> = {}) {
  const held = new Set(view.candidates.filter((one) => one.workerId === workerId).map((one) => one.serverId));
  return divideServers({ board: view, workerId, held, waiting: none, cooling: none, ...change });
}

describe("which servers a worker claims", () => {
  it("is its fair share of those nobody has", () => {
    expect(divide(board("a:- b:- c:- d:-", "w1:9 w2:9"), "w1").claim).toEqual(["a", "b"]);
    expect(divide(board("a:w2 b:w2 c:- d:-", "w1:9 w2:9"), "w2").claim).toEqual([]);
  });

  it("is also another's share when that one did not take it", () => {
    const view = board("a:w2 b:w2 c:- d:-", "w1:9 w2:9");
    expect(divide(view, "w2", { waiting: new Set(["c", "d"]) }).claim).toEqual(["c", "d"]);
  });

  it("is never more than it has room for", () => {
    const view = board("a:- b:- c:-", "w1:2");
    expect(divide(view, "w1", { waiting: new Set(["a", "b", "c"]) }).claim).toEqual(["a", "b"]);
  });

  it("is nothing for a worker that does not stand on the board, and nothing it just gave back", () => {
    expect(divide(board("a:-", "w2:9"), "w1").claim).toEqual([]);
    expect(divide(board("a:-", "w1:9"), "w1", { cooling: new Set(["a"]) }).claim).toEqual([]);
  });
});

describe("what a worker gives back", () => {
  it("is one server when another worker with room has two fewer", () => {
    expect(divide(board("a:w1 b:w1 c:w1", "w1:9 w2:9"), "w1").giveBack).toBe("c");
    expect(divide(board("a:w1 b:w1 c:w2", "w1:9 w2:9"), "w1").giveBack).toBeNull();
  });

  it("is nothing while a server has nobody, or the other one has no room", () => {
    expect(divide(board("a:w1 b:w1 c:w1 d:-", "w1:9 w2:9"), "w1").giveBack).toBeNull();
    expect(divide(board("a:w1 b:w1 c:w1", "w1:9 w2:0"), "w1").giveBack).toBeNull();
  });

  it("comes from the one that has the most alone, and the division comes to rest", () => {
    const holders = new Map(["a", "b", "c", "d", "e", "f", "g"].map((name) => [name, "w1"]));
    const workers = "w1:9 w2:9 w3:9";
    const view = () => board([...holders].map(([name, worker]) => `${name}:${worker}`).join(" "), workers);
    let moves = 0;
    for (;;) {
      const giving = ["w1", "w2", "w3"].map((worker) => divide(view(), worker).giveBack).filter((one) => one !== null);
      const [first] = giving;
      if (first === undefined) break;
      const poorest = [...view().workers].sort((left, right) => left.held - right.held)[0];
      holders.set(first, poorest?.workerId ?? "");
      expect(++moves).toBeLessThan(10);
    }
    expect(
      view()
        .workers.map((worker) => worker.held)
        .sort(),
    ).toEqual([2, 2, 3]);
  });
});
