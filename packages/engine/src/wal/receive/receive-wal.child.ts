import { systemClock } from "@tidemark/kit";
import { createLogger } from "@tidemark/kit/logger";
import { parseDsn } from "@tidemark/postgres";
import { openRepository } from "@tidemark/repository";
import { FilesystemStore } from "@tidemark/storage";
import { receiveWal } from "./receive-wal.ts";

/** A receiver in a process of its own, to be killed (receive-killed.int.test.ts). The order is the first argument, as JSON. */
export interface ReceiverOrder {
  readonly dsn: string;
  readonly repository: string;
  readonly writer: string;
}

const order = JSON.parse(process.argv[2] ?? "") as ReceiverOrder;
const repository = await openRepository(new FilesystemStore(order.repository));
const nothing = async (): Promise<void> => undefined;
await receiveWal(
  {
    area: repository.area("srv_test"),
    clock: systemClock,
    logger: createLogger({ name: order.writer, level: "warn" }),
    onState: () => undefined,
    onSegment: nothing,
    onTimeline: nothing,
    onGap: async (gap) => {
      throw new Error(`a gap: ${gap.cause}`);
    },
  },
  {
    connection: parseDsn(order.dsn),
    slotName: "tidemark_killed",
    synchronous: true,
    writer: order.writer,
    systemIdentifier: null,
    longestPauseMs: 400,
  },
  { signal: new AbortController().signal },
);
