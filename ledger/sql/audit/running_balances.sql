-- The history of every account is whole: its postings are numbered from 1 without a gap, and each balance is the one
-- before plus the amount.
with chained as (
    select account_id, account_seq, amount, balance_after,
           lag(account_seq, 1, 0::bigint) over following as seq_before,
           lag(balance_after, 1, 0::bigint) over following as balance_before
    from ledger.postings
    window following as (partition by account_id order by account_seq)
),
judged as materialized (
    select account_id, count(*) as postings, count(*) filter (where account_seq <> seq_before + 1) as gaps,
           count(*) filter (where balance_after <> balance_before + amount) as breaks,
           min(account_seq) filter (where account_seq <> seq_before + 1) as gap_at,
           min(account_seq) filter (where balance_after <> balance_before + amount) as break_at
    from chained group by account_id
)
select coalesce(sum(postings), 0)::bigint as examined, coalesce(sum(gaps + breaks), 0)::bigint as violations,
       (select string_agg(what, '; ') from (
           select concat_ws(', ', format('account %s', account_id), 'gap before posting ' || gap_at,
                            'wrong balance after posting ' || break_at) as what
           from judged where gaps + breaks > 0 order by account_id limit 5) first) as detail
from judged
