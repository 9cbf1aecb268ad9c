import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { type ChildProgram, startProgram } from "./child-program.ts";
import { type Product, root } from "./product.ts";

/** The api as a process of its own, and a client with a token of full access. */
export interface ApiProcess {
  readonly program: ChildProgram;
  /** Starts a new one after the last was killed; it listens somewhere else. */
  start(): Promise<void>;
  /** Gives the answer's data; throws on errors and on a mutation's user errors. */
  graphql<Data>(query: string, variables?: object): Promise<Data>;
}

export async function startApi(product: Product): Promise<ApiProcess> {
  const tokenFile = product.home.join("admin-token");
  const apps = join(root, "apps", "api", "src");
  await promisify(execFile)(process.execPath, [join(apps, "ensure-admin.ts"), "--token-file", tokenFile], {
    env: { PATH: process.env.PATH, DATABASE_URL: product.databaseUrl },
  });
  const token = (await readFile(tokenFile, "utf8")).trim();
  const launch = () =>
    startProgram("the api", {
      script: join(apps, "main.ts"),
      environment: { ...product.environment, AUTH_SECRET: "a-secret-of-the-test-with-32-chars", API_PORT: "0" },
      readyText: '"ready":true',
    });
  let program = await launch();
  return {
    get program() {
      return program;
    },
    async start() {
      program = await launch();
    },
    async graphql<Data>(query: string, variables: object = {}) {
      const url = /"ready":true,"url":"([^"]+)"/.exec(program.output)?.[1] ?? "";
      const response = await fetch(`${url}/graphql`, {
        method: "POST",
        headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
        body: JSON.stringify({ query, variables }),
      });
      const answer = (await response.json()) as { data?: Data; errors?: unknown };
      const userErrors = Object.values(answer.data ?? {}).flatMap(
        (payload) => (payload as { userErrors?: unknown[] } | null)?.userErrors ?? [],
      );
      if (answer.data === undefined || answer.errors !== undefined || userErrors.length > 0)
        throw new Error(`the api answered ${response.status}: ${JSON.stringify(answer)}`);
      return answer.data;
    },
  };
}
