import { AppError, type ErrorCode } from "@tidemark/kit";
import type { ServerArea, WalPartial } from "@tidemark/repository";
import { fakeClock } from "@tidemark/testkit";
import { describe, expect, it } from "vitest";
import { WalPlaces } from "./wal-places.ts";

const name = "000000010000000000000003";
const origin = { systemIdentifier: 7n, segmentSizeBytes: 16 << 20 };

/** A repository that gives `text` in pieces of four bytes, up to where `breaksAt` says, or has none. */
function place(options: {
  readonly text?: string;
  readonly breaksAt?: number;
  readonly code?: ErrorCode;
  readonly asked?: string[];
  readonly label?: string;
  readonly partialEnd?: bigint;
}): () => Promise<ServerArea> {
  const trouble = () => new AppError(options.code ?? "storage-unreachable", { message: options.label ?? "away" });
  const archive = {
    async *read() {
      options.asked?.push(options.label ?? "");
      if (options.text === undefined)
        throw options.code === undefined ? new AppError("wal-missing", { message: "none" }) : trouble();
      for (let at = 0; at < options.text.length; at += 4) {
        if (options.breaksAt !== undefined && at >= options.breaksAt) throw trouble();
        yield Buffer.from(options.text.slice(at, at + 4));
      }
    },
    async partialOf(): Promise<WalPartial | null> {
      if (options.code !== undefined) throw trouble();
      const { partialEnd } = options;
      if (partialEnd === undefined) return null;
      return {
        place: { timeline: 1, startLsn: 0n, sizeBytes: 16 << 20 },
        endLsn: partialEnd,
        ended: false,
        read: archive.read,
      };
    },
  };
  const area = { wal: () => archive, walIdentifiers: async () => [7n] };
  return async () => area as unknown as ServerArea;
}

function places(...areas: [ReturnType<typeof place>, ...ReturnType<typeof place>[]]): WalPlaces {
  return new WalPlaces({ serverId: "srv_1", systemIdentifier: 7n, areas, clock: fakeClock() });
}

async function textOf(all: WalPlaces): Promise<string> {
  let text = "";
  for await (const bytes of all.wal(7n).read(name)) text += Buffer.from(bytes).toString();
  return text;
}

describe("WalPlaces", () => {
  it("goes on in the second repository where the first broke off", async () => {
    expect(await textOf(places(place({ text: "0123456789ab", breaksAt: 8 }), place({ text: "0123456789ab" })))).toBe(
      "0123456789ab",
    );
    const damaged = place({ text: "0123456789ab", breaksAt: 4, code: "wal-damaged" });
    expect(await textOf(places(damaged, place({ text: "0123456789ab" })))).toBe("0123456789ab");
  });

  it("says not there only when all said so", async () => {
    await expect(textOf(places(place({}), place({})))).rejects.toMatchObject({ code: "wal-missing" });
    expect(await textOf(places(place({}), place({ text: "there" })))).toBe("there");
    await expect(textOf(places(place({ code: "storage-unreachable" }), place({})))).rejects.toMatchObject({
      code: "storage-unreachable",
    });
    await expect(textOf(places(place({}), place({ code: "storage-denied" })))).rejects.toMatchObject({
      code: "storage-denied",
    });
    const closed = async (): Promise<ServerArea> => {
      throw new AppError("repository-missing", { message: "not mounted" });
    };
    await expect(textOf(places(closed, place({})))).rejects.toMatchObject({ code: "repository-missing" });
  });

  it("asks one that is away last, for a while", async () => {
    const asked: string[] = [];
    const first = place({ code: "storage-unreachable", asked, label: "first" });
    const all = places(first, place({ text: "there", asked, label: "second" }));
    await textOf(all);
    await textOf(all);
    expect(asked).toEqual(["first", "second", "second"]);
  });

  const segment = { timeline: 1, startLsn: 0n, sizeBytes: 16 << 20 };

  it("takes the partial segment that reaches further, and no none for one that could not be asked", async () => {
    expect(
      (
        await places(place({ partialEnd: 5n }), place({ partialEnd: 9n }))
          .wal(7n)
          .partialOf(segment)
      )?.endLsn,
    ).toBe(9n);
    await expect(
      places(place({ code: "storage-failed" }), place({ partialEnd: 9n }))
        .wal(7n)
        .partialOf(segment),
    ).rejects.toMatchObject({
      code: "storage-failed",
    });
  });

  it("refuses the recovery of a cluster that has no WAL here", async () => {
    await expect(places(place({})).assertServes({ ...origin, systemIdentifier: 8n })).rejects.toMatchObject({
      code: "wal-foreign-server",
    });
    await places(place({})).assertServes(origin);
  });
});
