import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** One request as the stub saw it. */
export interface StubRequest {
  readonly method: string;
  /** The key within the bucket; empty for the bucket itself. */
  readonly key: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: Buffer;
}

/** What the script does with a request; null: it is answered as a good store would. */
export type StubTurn =
  | {
      readonly kind: "answer";
      readonly status: number;
      readonly code?: string;
      readonly headers?: Record<string, string>;
    }
  /** Takes effect, and then the connection breaks without an answer. */
  | { readonly kind: "lost-answer" }
  /** Says nothing at all. */
  | { readonly kind: "silence" }
  /** Promises the whole object and sends this many bytes of it, then nothing, or the end. */
  | { readonly kind: "short"; readonly bytes: number; readonly then: "silence" | "end" }
  | null;

export interface StubOptions {
  readonly script?: (request: StubRequest) => StubTurn;
  /** Names in a page of a listing. */
  readonly pageKeys?: number;
  readonly objectLock?: { readonly mode: string; readonly days: number };
}

/** A bucket of S3 in memory that honours conditions, and fails as it is told. For what no real server shows on demand. */
export class S3Stub {
  readonly requests: StubRequest[] = [];
  readonly objects = new Map<string, { readonly bytes: Buffer; readonly id: string | undefined }>();
  readonly uploads = new Map<string, { readonly id: string | undefined; readonly parts: Map<number, Buffer> }>();
  readonly #options: StubOptions;
  readonly #server: Server;

  private constructor(options: StubOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => void this.#serve(request, response));
  }

  static async start(options: StubOptions = {}): Promise<S3Stub> {
    const stub = new S3Stub(options);
    await new Promise<void>((resolve) => stub.#server.listen(0, "127.0.0.1", resolve));
    return stub;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get url(): string {
    return `s3://bucket/vault?endpoint=${encodeURIComponent(this.endpoint)}`;
  }

  /** How often a request of this method was made for keys that contain `part`. */
  count(method: string, part: string): number {
    return this.requests.filter((each) => each.method === method && each.key.includes(part)).length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #serve(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? "/", "http://stub");
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const request: StubRequest = {
      method: incoming.method ?? "",
      key: url.pathname.split("/").slice(2).join("/"),
      query: url.searchParams,
      headers: incoming.headers,
      body: Buffer.concat(chunks),
    };
    this.requests.push(request);
    const turn = this.#options.script?.(request) ?? null;
    if (turn?.kind === "silence") return;
    if (turn?.kind === "answer") return fail(response, turn.status, turn.code, turn.headers);
    if (turn?.kind === "short") return this.#sendShort(response, request.key, turn);
    if (turn?.kind === "lost-answer") {
      this.#act(request);
      incoming.socket.destroy();
      return;
    }
    this.#act(request)(response);
  }

  #sendShort(response: ServerResponse, key: string, turn: { bytes: number; then: "silence" | "end" }): void {
    const bytes = this.objects.get(key)?.bytes ?? Buffer.alloc(0);
    response.writeHead(200, { "content-length": bytes.length });
    response.write(bytes.subarray(0, turn.bytes), () => {
      if (turn.then === "end") response.destroy();
    });
  }

  /** Does what is asked; the function that is returned gives the answer. */
  #act(request: StubRequest): (response: ServerResponse) => void {
    const { method, key, query } = request;
    if (key === "") return this.#actOnBucket(query);
    if (query.has("uploads")) return this.#beginUpload(request);
    if (query.has("uploadId")) return this.#actOnUpload(request);
    if (method === "PUT") return this.#put(request, request.body, request.headers["x-amz-meta-tidemark-upload"]);
    if (method === "DELETE") {
      this.objects.delete(key);
      return (response) => response.writeHead(204).end();
    }
    return this.#give(request);
  }

  #put(request: StubRequest, bytes: Buffer, id: string | string[] | undefined): (response: ServerResponse) => void {
    if (request.headers["if-none-match"] === "*" && this.objects.has(request.key)) {
      return (response) => fail(response, 412, "PreconditionFailed");
    }
    this.objects.set(request.key, { bytes, id: typeof id === "string" ? id : undefined });
    return (response) => response.writeHead(200, { etag: etagOf(bytes) }).end();
  }

  #give({ method, key, headers }: StubRequest): (response: ServerResponse) => void {
    const found = this.objects.get(key);
    if (found === undefined) return (response) => fail(response, 404, method === "HEAD" ? undefined : "NoSuchKey");
    const meta = found.id === undefined ? {} : { "x-amz-meta-tidemark-upload": found.id };
    const range = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? "");
    const bytes = range === null ? found.bytes : found.bytes.subarray(Number(range[1]), Number(range[2]) + 1);
    const common = { "content-length": bytes.length, etag: etagOf(found.bytes), "last-modified": modified, ...meta };
    return (response) => {
      if (range === null) response.writeHead(200, common);
      else
        response.writeHead(206, { ...common, "content-range": `bytes ${range[1]}-${range[2]}/${found.bytes.length}` });
      response.end(method === "HEAD" ? undefined : bytes);
    };
  }

  #beginUpload(request: StubRequest): (response: ServerResponse) => void {
    const uploadId = `upload-${this.uploads.size + 1}`;
    const id = request.headers["x-amz-meta-tidemark-upload"];
    this.uploads.set(uploadId, { id: typeof id === "string" ? id : undefined, parts: new Map() });
    return (response) =>
      xml(response, `<InitiateMultipartUploadResult><UploadId>${uploadId}</UploadId></InitiateMultipartUploadResult>`);
  }

  #actOnUpload(request: StubRequest): (response: ServerResponse) => void {
    const uploadId = request.query.get("uploadId") ?? "";
    const upload = this.uploads.get(uploadId);
    if (upload === undefined) return (response) => fail(response, 404, "NoSuchUpload");
    if (request.method === "PUT") {
      upload.parts.set(Number(request.query.get("partNumber")), request.body);
      return (response) => response.writeHead(200, { etag: etagOf(request.body) }).end();
    }
    if (request.method === "DELETE") {
      this.uploads.delete(uploadId);
      return (response) => response.writeHead(204).end();
    }
    if (request.headers["if-none-match"] === "*" && this.objects.has(request.key)) {
      return (response) => fail(response, 412, "PreconditionFailed");
    }
    const ordered = [...upload.parts].sort(([a], [b]) => a - b).map(([, bytes]) => bytes);
    this.#put(request, Buffer.concat(ordered), upload.id);
    this.uploads.delete(uploadId);
    return (response) => xml(response, "<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>");
  }

  #actOnBucket(query: URLSearchParams): (response: ServerResponse) => void {
    const lock = this.#options.objectLock;
    if (query.has("versioning")) {
      const status = lock === undefined ? "" : "<Status>Enabled</Status>";
      return (response) => xml(response, `<VersioningConfiguration>${status}</VersioningConfiguration>`);
    }
    if (query.has("object-lock")) {
      if (lock === undefined) return (response) => fail(response, 404, "ObjectLockConfigurationNotFoundError");
      const rule = `<Rule><DefaultRetention><Mode>${lock.mode}</Mode><Days>${lock.days}</Days></DefaultRetention></Rule>`;
      const text = `<ObjectLockConfiguration><ObjectLockEnabled>Enabled</ObjectLockEnabled>${rule}</ObjectLockConfiguration>`;
      return (response) => xml(response, text);
    }
    if (query.has("uploads")) return (response) => xml(response, "<ListMultipartUploadsResult/>");
    return (response) => xml(response, this.#listing(query));
  }

  #listing(query: URLSearchParams): string {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const most = Math.min(Number(query.get("max-keys") ?? 1000), this.#options.pageKeys ?? 1000);
    const names = [...this.objects.keys()].filter((name) => name.startsWith(prefix) && name > after).sort();
    const page = names.slice(0, most);
    const contents = page.map(
      (name) => `<Contents><Key>${name}</Key><Size>${this.objects.get(name)?.bytes.length}</Size></Contents>`,
    );
    const more = names.length > most;
    const token = more ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>` : "";
    return `<ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${contents.join("")}</ListBucketResult>`;
  }
}

function etagOf(bytes: Buffer): string {
  return `"${createHash("md5").update(bytes).digest("hex")}"`;
}

function xml(response: ServerResponse, text: string): void {
  response.writeHead(200, { "content-type": "application/xml" }).end(`<?xml version="1.0"?>${text}`);
}

function fail(response: ServerResponse, status: number, code?: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { "content-type": "application/xml", ...headers });
  response.end(code === undefined ? undefined : `<Error><Code>${code}</Code><Message>as told</Message></Error>`);
}

const modified = "Sat, 21 Nov 2026 12:00:00 GMT";
