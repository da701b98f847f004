-- No settlement account is below its credit line, and none was at the end of any commit: the last balance of each
-- moment, against the line in force then (lines change by commands only). Within one commit a balance may pass below,
-- for a set of payments that settles together is one event.
with lines as materialized (
    select a.account_id, c.applied_at, (c.arguments ->> 'credit_line')::bigint as line
    from engine.commands c
    join ledger.accounts a on a.book = c.book and a.participant = c.arguments ->> 'participant'
    where a.purpose = 'settlement' and c.ok and c.action in ('open-account', 'set-credit-line')
),
limits as materialized (
    select a.account_id, b.balance, b.credit_line,
           least(b.credit_line, (select min(line) from lines l where l.account_id = a.account_id)) as lowest
    from ledger.accounts a join ledger.balances b using (account_id) where a.purpose = 'settlement'
),
below as materialized (
    select p.account_id, p.account_seq, p.balance_after, e.posted_at, l.credit_line
    from ledger.postings p join limits l using (account_id) join ledger.entries e using (entry_id)
    where l.lowest is null or p.balance_after < -l.lowest
),
closing as materialized (
    select b.*, coalesce((select line from lines l where l.account_id = b.account_id and l.applied_at <= b.posted_at
                          order by l.applied_at desc limit 1), b.credit_line) as line
    from below b
    where not exists (
        select from ledger.postings n join ledger.entries e using (entry_id)
        where n.account_id = b.account_id and n.account_seq = b.account_seq + 1 and e.posted_at = b.posted_at)
),
bad (what) as materialized (
    select format('account %s was at %s with a credit line of %s (posting %s)',
                  account_id, balance_after, coalesce(line::text, 'nothing'), account_seq)
    from closing where line is null or balance_after + line < 0
    union all
    select format('account %s is at %s with a credit line of %s', account_id, balance,
                  coalesce(credit_line::text, 'nothing'))
    from limits where credit_line is null or balance + credit_line < 0
)
select (select count(*) from ledger.postings p join limits l using (account_id)) + (select count(*) from limits)
           as examined,
       (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
