-- Double entry: accounts, entries, postings, balances. History is append-only: triggers refuse what a role could still do.
-- Amounts are minor units of the book's currency; a posting is positive when it credits its account.

do $$
begin
    if not exists (select 1 from pg_roles where rolname = 'qenex_writer') then
        create role qenex_writer nologin;
    end if;
    if not exists (select 1 from pg_roles where rolname = 'qenex_reader') then
        create role qenex_reader nologin;
    end if;
    if not pg_has_role(current_user, 'qenex_writer', 'SET') then
        execute format('grant qenex_writer to %I with inherit false, set true', current_user);
    end if;
    if not pg_has_role(current_user, 'qenex_reader', 'SET') then
        execute format('grant qenex_reader to %I with inherit false, set true', current_user);
    end if;
end
$$;

create schema if not exists ledger;
grant usage on schema ledger to qenex_writer, qenex_reader;

create function ledger.refuse_change() returns trigger language plpgsql as $$
begin
    raise exception '%.% is history: % is refused', tg_table_schema, tg_table_name, tg_op
        using errcode = 'restrict_violation', hint = 'correct a wrong entry with a new one';
end
$$;

create table ledger.accounts (
    account_id  integer primary key,
    book        text not null,
    participant text not null,
    purpose     text not null check (purpose in ('settlement', 'contra')),
    currency    text not null check (currency ~ '^[A-Z]{3}$'),
    opened_at   timestamptz not null,
    unique (book, participant, purpose)
);

-- The one mutable table of this schema. A settlement account may not fall below its credit line, whoever writes.
create table ledger.balances (
    account_id  integer primary key references ledger.accounts,
    balance     bigint not null,
    credit_line bigint,
    seq         bigint not null,
    constraint within_credit_line check (credit_line is null or balance >= 0 or balance + credit_line >= 0)
) with (fillfactor = 50);
comment on column ledger.balances.credit_line is 'null: a contra account of the operator, without a floor';

create table ledger.entries (
    entry_id      bigint primary key,
    payment_id    uuid,
    book          text not null,
    kind          text not null,
    business_date date not null,
    posted_at     timestamptz not null
);
create unique index one_entry_a_payment on ledger.entries (payment_id) where payment_id is not null;

-- No foreign keys here: they triple the cost of a payment; `qenex audit` proves the same over all of history.
create table ledger.postings (
    account_id    integer not null,
    account_seq   bigint not null,
    entry_id      bigint not null,
    amount        bigint not null check (amount <> 0),
    balance_after bigint not null,
    primary key (account_id, account_seq)
);

-- Entry ids grow with time, so a block range index finds the postings of an entry at almost no cost to the writer.
create index postings_entry on ledger.postings using brin (entry_id);

create function ledger.entries_balance() returns trigger language plpgsql as $$
begin
    if exists (select 1 from posted group by entry_id having sum(amount) <> 0) then
        raise exception 'postings of an entry do not sum to zero' using errcode = 'check_violation';
    end if;
    return null;
end
$$;
create trigger sums_to_zero after insert on ledger.postings
    referencing new table as posted for each statement execute function ledger.entries_balance();

create trigger append_only before update or delete on ledger.accounts
    for each row execute function ledger.refuse_change();
create trigger append_only before update or delete on ledger.entries
    for each row execute function ledger.refuse_change();
create trigger append_only before update or delete on ledger.postings
    for each row execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.accounts execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.entries execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.postings execute function ledger.refuse_change();
create trigger no_removal before delete on ledger.balances for each row execute function ledger.refuse_change();
create trigger no_truncate before truncate on ledger.balances execute function ledger.refuse_change();

grant select, insert on ledger.accounts, ledger.entries, ledger.postings, ledger.balances to qenex_writer;
grant update (balance, credit_line, seq) on ledger.balances to qenex_writer;
grant select on all tables in schema ledger to qenex_reader;
