-- The database still guards history: the triggers that refuse changes are on, and the constraints that keep one entry,
-- one outcome, one archive range and one credit line a thing are there and valid.
with triggers (relation, name) as (
    select relation, name from unnest(array[
        'ledger.accounts', 'ledger.entries', 'ledger.postings', 'engine.inbox', 'engine.transitions',
        'engine.outcomes', 'engine.claims', 'engine.outbox', 'engine.commands', 'engine.archive', 'engine.reference',
        'engine.versions']) as relation cross join unnest(array['append_only', 'no_truncate']) as name
    union all values ('ledger.postings', 'sums_to_zero'), ('ledger.balances', 'no_removal'),
                     ('ledger.balances', 'no_truncate')
),
constraints (relation, name) as (
    values ('ledger.balances', 'within_credit_line'), ('ledger.entries', 'entries_pkey'),
           ('ledger.postings', 'postings_pkey'), ('ledger.accounts', 'accounts_pkey'),
           ('engine.inbox', 'inbox_pkey'), ('engine.transitions', 'transitions_pkey'),
           ('engine.outcomes', 'outcomes_pkey'), ('engine.claims', 'claims_pkey'), ('engine.outbox', 'outbox_pkey'),
           ('engine.archive', 'ranges_never_overlap'), ('engine.commands', 'commands_pkey')
),
bad (what) as materialized (
    select format('trigger %s on %s is off', e.name, e.relation) from triggers e
    where not exists (select from pg_trigger t where t.tgrelid = to_regclass(e.relation) and t.tgname = e.name
                      and t.tgenabled in ('O', 'A'))
    union all
    select format('constraint %s on %s is missing', e.name, e.relation) from constraints e
    where not exists (select from pg_constraint c where c.conrelid = to_regclass(e.relation) and c.conname = e.name
                      and c.convalidated)
    union all
    select 'the index one_entry_a_payment is missing' where not exists (
        select from pg_index i where i.indexrelid = to_regclass('ledger.one_entry_a_payment') and i.indisunique
        and i.indisvalid)
)
select (select count(*) from triggers) + (select count(*) from constraints) + 1 as examined,
       (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
