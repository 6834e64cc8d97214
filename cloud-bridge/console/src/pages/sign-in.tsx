import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Whistle } from "../parts/icon.tsx";
import { ProblemNote } from "../parts/problem.tsx";
import { LocaleSwitch, ThemeSwitch } from "../parts/switches.tsx";
import { signIn } from "../state/session.ts";
import { t } from "../text/locale.ts";

export function SignInPage() {
  const [name, setName] = useState("");
  const [password, setPassword] = useState("");
  const [error, setError] = useState<unknown>();
  const [isBusy, setBusy] = useState(false);
  const submit = async (event: Event): Promise<void> => {
    event.preventDefault();
    setBusy(true);
    setError(undefined);
    try {
      await signIn(name, password);
    } catch (cause) {
      setError(cause);
    } finally {
      setBusy(false);
    }
  };
  document.title = t("title.plain", { title: t("session.sign-in") });
  return (
    <CardPage title={t("session.sign-in")} lead={t("brand.lead")}>
      <form class="fields" onSubmit={(event) => void submit(event)}>
        <label class="field">
          <span>{t("session.name")}</span>
          <input
            value={name}
            onInput={(event) => setName(event.currentTarget.value)}
            autoComplete="username"
            required
            maxLength={64}
          />
        </label>
        <label class="field">
          <span>{t("session.password")}</span>
          <input
            type="password"
            value={password}
            onInput={(event) => setPassword(event.currentTarget.value)}
            autoComplete="current-password"
            required
            maxLength={256}
          />
        </label>
        <ProblemNote error={error} />
        <button type="submit" class="button is-main is-wide" disabled={isBusy}>
          {t("session.enter")}
        </button>
      </form>
    </CardPage>
  );
}

export interface CardPageProps {
  readonly title: string;
  readonly lead: string;
  readonly children: ComponentChildren;
}

export function CardPage({ title, lead, children }: CardPageProps) {
  return (
    <main class="card-page">
      <div class="card">
        <div class="card-brand">
          <Whistle />
          <span>{t("brand")}</span>
        </div>
        <h1>{title}</h1>
        <p class="quiet">{lead}</p>
        {children}
      </div>
      <div class="card-switches">
        <LocaleSwitch />
        <ThemeSwitch />
      </div>
    </main>
  );
}
