import type { Clock } from "@tidemark/kit";
import type { Environment } from "@tidemark/kit/settings";
import { type ApiClient, createApiClient } from "./api-client.ts";
import { readConfig } from "./config.ts";
import type { Output, OutputFormat } from "./output.ts";

/** What every command needs, made when a command runs: `restore direct` must not ask for a control plane. */
export interface CommandContext {
  readonly environment: Environment;
  readonly stdinIsTerminal: boolean;
  readonly clock: Clock;
  /** Standard output for bytes as they are. */
  readonly bytes: ByteSink;
  output(format: OutputFormat): Output;
}

export interface ByteSink {
  readonly isTerminal: boolean;
  /** Resolves when more may be written. */
  write(bytes: Uint8Array): Promise<void>;
}

export interface CommonOptions {
  readonly output: OutputFormat;
}

export interface Session {
  readonly api: ApiClient;
  readonly output: Output;
  readonly clock: Clock;
}

export function openSession(context: CommandContext, options: CommonOptions): Session {
  return {
    api: createApiClient(readConfig(context.environment)),
    output: context.output(options.output),
    clock: context.clock,
  };
}
