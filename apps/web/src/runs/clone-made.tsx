import { bytes, sentence } from "#lib/format.ts";
import { serverPath } from "#lib/paths.ts";
import { LinkButton } from "#ui/button.tsx";
import { Fact, Facts, Mono } from "#ui/facts.tsx";
import { Panel } from "#ui/panel.tsx";
import { Time } from "#ui/time.tsx";
import type { RunDetail } from "./run-query.ts";

/** What the worker keeps of a clone it made; it may have gone since. */
interface MadeClone {
  readonly cloneId: string;
  readonly host: string;
  readonly port: number;
  readonly hostname: string;
  readonly sizeBytes: string;
  readonly promoted: boolean;
  readonly sentence?: string | null;
  readonly reachedAt?: string | null;
  readonly reachedLsn?: string | null;
}

export function CloneMade({ run: { result, server } }: { readonly run: RunDetail }) {
  if (result === null || server === null) return null;
  const clone = result as MadeClone;
  return (
    <Panel
      title="The clone"
      description="As it was when it was made: it goes by itself after its time."
      action={
        <LinkButton small tone="primary" href={serverPath(server, "drills")}>
          To the clones
        </LinkButton>
      }
    >
      <Facts columns={3}>
        <Fact label="Id">
          <Mono>{clone.cloneId}</Mono>
        </Fact>
        <Fact label="Listened">
          <Mono>
            {clone.host}:{clone.port}
          </Mono>{" "}
          on {clone.hostname}
        </Fact>
        <Fact label="Size">{bytes(clone.sizeBytes)}</Fact>
        <Fact label="Recovery">{clone.sentence == null ? "To the end of the backup" : sentence(clone.sentence)}</Fact>
        <Fact label="Reached">
          {clone.reachedAt == null ? "–" : <Time at={clone.reachedAt} show="absolute" />}{" "}
          {clone.reachedLsn != null && <Mono>{clone.reachedLsn}</Mono>}
        </Fact>
        <Fact label="Takes writes">{clone.promoted ? "yes" : "no, read-only"}</Fact>
      </Facts>
    </Panel>
  );
}
