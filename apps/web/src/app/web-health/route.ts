/** Readiness of this process alone: it can draw pages. Whether the api answers is the api's to say (`/readyz`). */
export function GET(): Response {
  return Response.json({ ok: true }, { headers: { "cache-control": "no-store" } });
}

export const dynamic = "force-dynamic";
