import type { Environment } from "@tidemark/kit";
import { type ApiClient, createApiClient } from "./api-client.ts";
import { readConfig } from "./config.ts";
import type { Output, OutputFormat } from "./output.ts";

/** What every command needs, made when a command runs: `restore direct` must not ask for a control plane. */
export interface CommandContext {
  readonly environment: Environment;
  readonly stdinIsTerminal: boolean;
  output(format: OutputFormat): Output;
}

export interface CommonOptions {
  readonly output: OutputFormat;
}

export interface Session {
  readonly api: ApiClient;
  readonly output: Output;
}

export function openSession(context: CommandContext, options: CommonOptions): Session {
  return { api: createApiClient(readConfig(context.environment)), output: context.output(options.output) };
}
