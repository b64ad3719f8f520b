import type { CaponierError } from '@caponier/crypto';
import { entryOf } from '@caponier/protocol';
import type { CapsuleReport } from '@caponier/verify';
import { useState } from 'preact/hooks';

type Verdict = { readonly report: CapsuleReport } | { readonly refused: CaponierError } | null;

/** Reads both files and judges, here in the page: nothing leaves it. */
async function judge(capsule: File, trust: File): Promise<Verdict> {
  // The verifier and its policy engine are large, and loaded only when somebody has files to judge.
  const { verifyCapsule } = await import('@caponier/verify');
  const bytes = async (file: File) => new Uint8Array(await file.arrayBuffer());
  try {
    return { report: await verifyCapsule(await bytes(capsule), await bytes(trust), { now: Date.now() }) };
  } catch (error) {
    return { refused: error as CaponierError };
  }
}

export function Verifier() {
  const [capsule, setCapsule] = useState<File | null>(null);
  const [trust, setTrust] = useState<File | null>(null);
  const [verdict, setVerdict] = useState<Verdict>(null);
  const [busy, setBusy] = useState(false);

  const verify = async () => {
    if (!capsule || !trust) return;
    setBusy(true);
    setVerdict(await judge(capsule, trust));
    setBusy(false);
  };

  return (
    <section aria-labelledby="verifier">
      <h2 id="verifier">Verify a capsule</h2>
      <p class="quiet">
        Everything is checked in this page, back to the keys in the trust file. Get that file from the owner, not from
        whoever sent the capsule.
      </p>
      <label>
        Capsule
        <input type="file" id="capsule" onChange={(e) => setCapsule(e.currentTarget.files?.[0] ?? null)} />
      </label>
      <label>
        Trust file
        <input type="file" id="trust" onChange={(e) => setTrust(e.currentTarget.files?.[0] ?? null)} />
      </label>
      <button type="button" disabled={!capsule || !trust || busy} onClick={verify}>
        {busy ? 'Verifying …' : 'Verify'}
      </button>
      {verdict && 'refused' in verdict && <Refusal error={verdict.refused} />}
      {verdict && 'report' in verdict && <Report report={verdict.report} />}
    </section>
  );
}

function Refusal({ error }: { readonly error: CaponierError }) {
  const { title, hint } = entryOf(error);
  return (
    <p class="failed" role="alert" id="verdict">
      {title} {hint}
    </p>
  );
}

function Report({ report }: { readonly report: CapsuleReport }) {
  const { ok, checks, failed, story, notProven } = report;
  return (
    <article class="card">
      <h3 id="verdict" class={ok ? 'passed' : 'failed'} aria-live="polite">
        {ok ? 'The capsule verifies.' : `The capsule does not verify: ${failed?.check} (${failed?.code}).`}
      </h3>
      {story && (
        <p>
          {story.asker} asked for {story.op} <code>{story.resource}</code>
          {story.purpose ? ` (“${story.purpose}”)` : ''} on {new Date(story.decidedAt * 1000).toLocaleString()}.
          Decision: {story.decision}
          {story.approvers.length > 0 ? `, approved by ${story.approvers.join(', ')}` : ''}. Outcome:{' '}
          {story.outcomes.map(({ result }) => result).join(', ') || 'not shown'}.
        </p>
      )}
      <ol class="checks">
        {checks.map((check) => (
          <li key={check.name} class={check.ok ? 'passed' : 'failed'}>
            {check.ok ? '✓' : '✗'} {check.name}
          </li>
        ))}
      </ol>
      {notProven.length > 0 && (
        <>
          <h3>Not proven</h3>
          <ul>
            {notProven.map((sentence) => (
              <li key={sentence}>{sentence}</li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}
