"use client";
import { graphql } from "#graphql/graphql.ts";
import { sentence } from "#lib/format.ts";
import { useQuery } from "#lib/use-query.ts";
import { ScheduleTimes } from "./schedule-times.tsx";

const PreviewSchedule = graphql(`
  query PreviewSchedule($cron: String!, $zone: String!) {
    previewSchedule(cron: $cron, zone: $zone, count: 5) {
      sentence
      nextTimes
      error {
        message
        hint
      }
    }
  }
`);

/** What a schedule being typed means: the sentence and the next five times, or what is wrong with it. */
export function SchedulePreview({ cron, zone }: { readonly cron: string; readonly zone: string }) {
  const { value, problem } = useQuery(PreviewSchedule, { cron, zone });
  const preview = value?.previewSchedule;
  const wrong = problem ?? preview?.error;
  return (
    <div role="status" className="min-h-6 text-sm">
      {wrong && (
        <p className="text-bad">
          {sentence(wrong.message)}
          {wrong.hint && <span className="block text-muted">{wrong.hint}</span>}
        </p>
      )}
      {!wrong && preview && (
        <>
          <p className="font-medium">{sentence(preview.sentence)}</p>
          <ScheduleTimes times={preview.nextTimes} zone={zone} />
        </>
      )}
    </div>
  );
}
