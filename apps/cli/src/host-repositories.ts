import { WalPlaces } from "@tidemark/engine/push-lane";
import { AppError, Secret, systemClock } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import {
  openRepository,
  parseCompression,
  type Repository,
  type RepositoryKey,
  type RepositoryOptions,
  repositoryKeyFromText,
  type ServerArea,
} from "@tidemark/repository";
import {
  openStore,
  parseStoreCredentials,
  ReadOnlyStore,
  RetryingStore,
  storeCredentialsOfEnvironment,
} from "@tidemark/storage";
import type { HostRepository, HostSettings } from "./host-settings.ts";
import { readSecretFile } from "./secret-file.ts";

type Owner = { readonly area: ServerArea; readonly systemIdentifier: bigint | null };

/**
 * The repositories of a host's settings, each opened when it is first needed and again when that failed: an agent goes on
 * while one is away.
 */
export class HostRepositories implements AsyncDisposable {
  readonly #settings: HostSettings;
  readonly #environment: Environment;
  readonly #options: Pick<RepositoryOptions, "sealsHere">;
  readonly #opened = new Map<string, Promise<Repository>>();

  constructor(settings: HostSettings, environment: Environment, options: Pick<RepositoryOptions, "sealsHere"> = {}) {
    this.#settings = settings;
    this.#environment = environment;
    this.#options = options;
  }

  /** Everything that is pushed goes to all of these. */
  async pushTo(): Promise<readonly [Owner, ...Owner[]]> {
    const { repository, second } = this.#settings;
    const first = await this.#area(repository, "write");
    return second?.push === true ? [first, await this.#area(second, "write")] : [first];
  }

  /** Where a recovery reads: in the first, and where that cannot, in the second. */
  fetchFrom(): WalPlaces {
    const { repository, second, serverId, systemIdentifier } = this.#settings;
    const open = (where: HostRepository) => async () => (await this.#area(where, "read")).area;
    return new WalPlaces({
      serverId,
      systemIdentifier: systemIdentifier === undefined ? null : BigInt(systemIdentifier),
      areas: second === undefined ? [open(repository)] : [open(repository), open(second)],
      clock: systemClock,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opened = await Promise.allSettled(this.#opened.values());
    this.#opened.clear();
    for (const one of opened) if (one.status === "fulfilled") await one.value.close();
  }

  async #area(where: HostRepository, mode: "read" | "write"): Promise<Owner> {
    const { serverId, systemIdentifier } = this.#settings;
    const repository = await this.#open(where, mode);
    return {
      area: repository.area(serverId),
      systemIdentifier: systemIdentifier === undefined ? null : BigInt(systemIdentifier),
    };
  }

  #open(where: HostRepository, mode: "read" | "write"): Promise<Repository> {
    const key = `${mode} ${where.url}`;
    const known = this.#opened.get(key);
    if (known !== undefined) return known;
    const opening = this.#openNow(where, mode);
    this.#opened.set(key, opening);
    opening.catch(() => this.#opened.delete(key));
    return opening;
  }

  async #openNow(where: HostRepository, mode: "read" | "write"): Promise<Repository> {
    const inner = await openStore(where.url, { credentials: this.#credentials(where) });
    const store = new RetryingStore(mode === "read" ? new ReadOnlyStore(inner) : inner, { attempts });
    return await openRepository(store, {
      key: this.#key(where),
      walAlone: true,
      compression: parseCompression(this.#settings.compression),
      ...this.#options,
    });
  }

  #credentials({ credentials, credentialsFile }: HostRepository) {
    if (credentials !== undefined) return parseStoreCredentials(credentials);
    if (credentialsFile !== undefined) return parseStoreCredentials(readSecretFile(this.#settings, credentialsFile));
    return storeCredentialsOfEnvironment(this.#environment, (path) => readSecretFile(this.#settings, path));
  }

  #key({ key, keyFile }: HostRepository): RepositoryKey | null {
    const text = key ?? (keyFile === undefined ? null : readSecretFile(this.#settings, keyFile));
    if (text === null) return null;
    const parsed = repositoryKeyFromText(new Secret(text));
    if (parsed.kind !== "passphrase") return parsed;
    throw new AppError("repository-key-wrong", {
      message: `the key in ${this.#settings.file} is no key file and no age identity`,
      hint: "`tidemark server host-config` writes one",
    });
  }
}

/** What fails longer than a second is asked again from above: by the server, or for as long as the settings say. */
const attempts = 3;
