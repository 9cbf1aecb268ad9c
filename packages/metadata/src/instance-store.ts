import { AppError } from "@tidemark/kit";
import type { Prisma, PrismaClient } from "./generated/client.ts";

export interface InstanceRow {
  readonly id: string;
  readonly workerPublicKey: string | null;
  readonly createdAt: Date;
}

export interface InstanceStore {
  /** Made by `migrate`. Throws `database-not-ours` when it is missing. */
  get(): Promise<InstanceRow>;
  /** The database's time, which is the same for all machines. */
  now(): Promise<Date>;
  /** Sets the public key when there is none; throws `worker-key-missing` when another one is there (this worker has the wrong private key). */
  setWorkerPublicKey(publicKey: string): Promise<InstanceRow>;
}

const instanceColumns = { id: true, workerPublicKey: true, createdAt: true } satisfies Prisma.InstanceSelect;

export function createInstanceStore(prisma: PrismaClient): InstanceStore {
  const get = async () => {
    const row = await prisma.instance.findUnique({ where: { singleton: true }, select: instanceColumns });
    if (row !== null) return row;
    throw new AppError("database-not-ours", {
      message: "the metadata database has no instance row",
      hint: "start Tidemark once so that it can prepare the database",
    });
  };
  return {
    get,
    now: async () => {
      const [row] = await prisma.$queryRaw<{ now: Date }[]>`SELECT clock_timestamp()::timestamptz(3) AS now`;
      if (row === undefined) throw new AppError("internal", { message: "the database did not tell its time" });
      return row.now;
    },
    setWorkerPublicKey: async (publicKey) => {
      await prisma.instance.updateMany({ where: { workerPublicKey: null }, data: { workerPublicKey: publicKey } });
      const row = await get();
      if (row.workerPublicKey === publicKey) return row;
      throw new AppError("worker-key-missing", {
        message: "this worker's private key does not belong to the public key that stored credentials are sealed with",
        hint: "give every worker the same key file (WORKER_KEY_FILE): the one the first worker made",
      });
    },
  };
}
