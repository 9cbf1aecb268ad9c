import { AppError } from "@tidemark/kit";

export interface RemoteAddress {
  /** The bucket or container. */
  readonly name: string;
  /** As it stands in the URL: empty, `/` or `/a/b`. */
  readonly path: string;
  /** The value of a parameter, or null. */
  readonly parameter: (name: string) => string | null;
}

/**
 * Takes `scheme://name/prefix?a=b` apart. Everything unknown is refused (`bad-request`): a misspelt parameter that is
 * ignored would put the only copy of something into the wrong place. So are user and password: no URL holds a secret.
 */
export function parseRemoteUrl(url: string, scheme: string, known: readonly string[]): RemoteAddress {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch (cause) {
    throw badUrl(url, scheme, "it is no URL", cause);
  }
  if (parsed.username !== "" || parsed.password !== "") {
    throw badUrl(`${scheme}://…`, scheme, "credentials never belong into an address: give them separately");
  }
  if (parsed.hash !== "" || parsed.port !== "") throw badUrl(url, scheme, "a port or # has no meaning in it");
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,62}$/.test(parsed.hostname)) {
    throw badUrl(url, scheme, `${JSON.stringify(parsed.hostname)} is no name of a bucket or container`);
  }
  const seen = new Set<string>();
  for (const [name, value] of parsed.searchParams) {
    if (!known.includes(name)) throw badUrl(url, scheme, `${name}= is not known; known are ${known.join(", ")}`);
    if (seen.has(name) || value === "") throw badUrl(url, scheme, `${name}= is empty or given twice`);
    seen.add(name);
  }
  return { name: parsed.hostname, path: parsed.pathname, parameter: (name) => parsed.searchParams.get(name) };
}

/** An endpoint parameter as a URL without a path of its own and without a secret. */
export function parseEndpoint(text: string, url: string, scheme: string): URL {
  const parsed = URL.canParse(text) ? new URL(text) : null;
  if (parsed === null || !["http:", "https:"].includes(parsed.protocol)) {
    throw badUrl(url, scheme, `endpoint=${text} is no http or https URL`);
  }
  if (parsed.username !== "" || parsed.password !== "" || parsed.search !== "" || parsed.hash !== "") {
    throw badUrl(`${scheme}://…`, scheme, "the endpoint is a host, a port and at most a path");
  }
  return parsed;
}

export function badUrl(url: string, scheme: string, why: string, cause?: unknown): AppError {
  return new AppError("bad-request", {
    message: `${url} is no address of a repository: ${why}`,
    hint: forms[scheme] ?? "docs/object-stores.md shows the addresses",
    cause,
  });
}

const forms: Readonly<Record<string, string>> = {
  s3: "use s3://bucket/prefix?endpoint=https://host&region=name&style=path",
  az: "use az://container/prefix?account=name",
};
