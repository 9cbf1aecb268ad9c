import { notFound } from "./database-error.ts";
import type { Prisma, PrismaClient } from "./generated/client.ts";

export interface UserRow {
  readonly id: string;
  readonly name: string;
  readonly username: string | null;
  readonly mustChangePassword: boolean;
  readonly createdAt: Date;
}

/** Beside better-auth, which keeps users, sessions and passwords through `Metadata.authClient`. */
export interface UserStore {
  count(): Promise<number>;
  get(id: string): Promise<UserRow | null>;
  findByUsername(username: string): Promise<UserRow | null>;
  setMustChangePassword(id: string, must: boolean): Promise<void>;
}

const userColumns = {
  id: true,
  name: true,
  username: true,
  mustChangePassword: true,
  createdAt: true,
} satisfies Prisma.UserSelect;

export function createUserStore(prisma: PrismaClient): UserStore {
  return {
    count: () => prisma.user.count(),
    get: (id) => prisma.user.findUnique({ where: { id }, select: userColumns }),
    findByUsername: (username) => prisma.user.findUnique({ where: { username }, select: userColumns }),
    setMustChangePassword: async (id, must) => {
      const { count } = await prisma.user.updateMany({ where: { id }, data: { mustChangePassword: must } });
      if (count === 0) throw notFound("user", id);
    },
  };
}
