import type { Metadata } from "next";
import { notFound } from "next/navigation";
import { cache } from "react";
import { load } from "#lib/server-query.ts";
import { RunOfPage } from "#runs/run-query.ts";
import { runTitle } from "#runs/run-state.ts";
import { RunView } from "#runs/run-view.tsx";
import { PageProblem } from "#shell/page-problem.tsx";

interface Props {
  readonly params: Promise<{ readonly id: string }>;
}

const loadRun = cache((id: string) => load(RunOfPage, { id }));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const loaded = await loadRun((await params).id);
  return { title: loaded.ok && loaded.value.run !== null ? runTitle(loaded.value.run) : "Run" };
}

export default async function RunPage({ params }: Props) {
  const loaded = await loadRun((await params).id);
  if (!loaded.ok) return <PageProblem title="Run" problem={loaded.problem} />;
  if (loaded.value.run === null) notFound();
  return <RunView key={loaded.value.run.id} initial={loaded.value.run} />;
}
