import { AppError, describeError } from "@tidemark/kit";
import { describeFailover, failoverArea, openRepository, type Repository, type ServerArea } from "@tidemark/repository";
import { ReadOnlyStore } from "@tidemark/storage";
import type { CommandContext } from "./context.ts";
import { openDirectStore } from "./direct-store.ts";
import type { Output } from "./output.ts";
import { type KeyOptions, readRepositoryKey } from "./repository-key-file.ts";

/** A server's backups, in one repository or in two that hold the same. */
export interface DirectArea extends KeyOptions {
  readonly repository: string;
  readonly credentialsFile?: string;
  /** The address of a repository that holds copies; what the first cannot give comes from there. */
  readonly second?: string;
  readonly secondCredentialsFile?: string;
  readonly secondKeyFile?: string;
  readonly secondPassphraseFile?: string;
  /** The server's name, or its id. */
  readonly server: string;
}

/**
 * Runs `act` with the area of a server, which falls over to the second repository where one is named: for what the first has lost,
 * or for all of it. What came from there is noted. Everything is only read, so that copies on read-only media will do.
 */
export async function withDirectArea<T>(
  environment: CommandContext["environment"],
  options: DirectArea,
  output: Output,
  act: (area: ServerArea) => Promise<T>,
): Promise<T> {
  assertSecond(options);
  if (options.second === undefined) {
    await using first = await openArea(environment, options, options.server);
    return await act(first.area);
  }
  const note = (text: string): void => output.note(`${text}\n`);
  const opened = await Promise.allSettled([
    openArea(environment, options, options.server),
    openArea(environment, secondOf(options), options.server),
  ]);
  const [first, second] = opened.map((one) => (one.status === "fulfilled" ? one.value : null));
  try {
    if (first != null && second != null) {
      assertSame(first.area, second.area);
      const onNote = (one: Parameters<typeof describeFailover>[0]): void => note(describeFailover(one));
      return await act(failoverArea(first.area, second.area, { onNote }));
    }
    const [why] = opened.flatMap((one) => (one.status === "rejected" ? [one.reason as unknown] : []));
    const left = first ?? second;
    // Of two that cannot be opened the first is what was asked for.
    if (left == null || !(why instanceof AppError) || why.code === "bad-request") throw why;
    const which = first == null ? "reading from the second repository" : "the second repository cannot be used";
    note(`${which}: ${describeError(why).message}`);
    return await act(left.area);
  } finally {
    await first?.[Symbol.asyncDispose]();
    await second?.[Symbol.asyncDispose]();
  }
}

/** Copies keep the id of the server. */
function assertSame(first: ServerArea, second: ServerArea): void {
  if (first.serverId === second.serverId) return;
  throw new AppError("bad-request", {
    message: `that server is ${first.serverId} in the first repository and ${second.serverId} in the second, which are not the same`,
    hint: "the second holds no copies of it; leave --second out",
  });
}

interface OneRepository extends KeyOptions {
  readonly repository: string;
  readonly credentialsFile?: string | undefined;
}

function assertSecond({ second, secondCredentialsFile, secondKeyFile, secondPassphraseFile }: DirectArea): void {
  if (second !== undefined) return;
  if ((secondCredentialsFile ?? secondKeyFile ?? secondPassphraseFile) === undefined) return;
  throw new AppError("bad-request", {
    message: "there are options for a second repository, but none is named",
    hint: "say where it is with --second, or leave them out",
  });
}

/** The second has keys of its own, which may be the same; it is reached with the environment's credentials unless told. */
function secondOf(options: DirectArea): OneRepository {
  const { second = "", secondCredentialsFile, secondKeyFile, secondPassphraseFile } = options;
  const hasOwn = secondKeyFile !== undefined || secondPassphraseFile !== undefined;
  return {
    repository: second,
    credentialsFile: secondCredentialsFile,
    keyFile: hasOwn ? secondKeyFile : options.keyFile,
    passphraseFile: hasOwn ? secondPassphraseFile : options.passphraseFile,
  };
}

async function openArea(
  environment: CommandContext["environment"],
  options: OneRepository,
  server: string,
): Promise<AsyncDisposable & { readonly area: ServerArea }> {
  const store = new ReadOnlyStore(await openDirectStore(environment, options));
  const repository = await openRepository(store, { key: readRepositoryKey(options) });
  try {
    return { area: await findArea(repository, server), [Symbol.asyncDispose]: () => repository.close() };
  } catch (error) {
    await repository.close();
    throw error;
  }
}

/** The area of a server by id, or by the name its newest backup carries. Throws when a name is missing or not unique. */
async function findArea(repository: Repository, nameOrId: string): Promise<ServerArea> {
  const ids = await repository.serverIds();
  if (ids.includes(nameOrId)) return repository.area(nameOrId);
  const names = new Map<string, string[]>();
  for (const id of ids) {
    const newest = (await repository.area(id).listBackups()).findLast((backup) => backup.facts !== null);
    const name = newest?.facts?.serverName;
    if (name !== undefined) names.set(name, [...(names.get(name) ?? []), id]);
  }
  const found = names.get(nameOrId) ?? [];
  const [only] = found;
  if (found.length === 1 && only !== undefined) return repository.area(only);
  if (found.length > 1) {
    throw new AppError("bad-request", {
      message: `${nameOrId} is the name of ${found.length} servers in ${repository.location}`,
      hint: `name one by its id: ${found.join(", ")}`,
    });
  }
  throw new AppError("not-found", {
    message: `there is no server ${nameOrId} in ${repository.location}`,
    hint: names.size === 0 ? "it holds no readable backup" : `it holds ${[...names.keys()].join(", ")}`,
  });
}
