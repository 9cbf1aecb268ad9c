/** The shape of a page while its data is on the way. */
export default function Loading() {
  return (
    <div role="status" aria-label="Loading" className="animate-pulse space-y-5">
      <div className="h-8 w-2/5 rounded-md bg-raised" />
      <div className="h-24 rounded-lg border bg-surface" />
      <div className="h-64 rounded-lg border bg-surface" />
    </div>
  );
}
