-- The balance of every account is the sum of its postings, and its sequence their number: nobody moved a balance
-- without an entry. An account without a balance, or a balance without an account, is a violation too.
with posted as (
    select account_id, count(*) as postings, sum(amount) as total, max(account_seq) as last_seq
    from ledger.postings group by account_id
),
compared as materialized (
    select account_id, a.account_id is null as unknown, b.account_id is null as lost,
           b.balance, b.seq, coalesce(p.total, 0) as total, coalesce(p.last_seq, 0) as last_seq
    from ledger.accounts a full join ledger.balances b using (account_id) full join posted p using (account_id)
),
bad (what) as materialized (
    select case
        when unknown then format('account %s does not exist', account_id)
        when lost then format('account %s has no balance', account_id)
        when balance <> total then format('account %s: balance %s, postings add up to %s', account_id, balance, total)
        else format('account %s: sequence %s, last posting %s', account_id, seq, last_seq)
    end
    from compared where unknown or lost or balance <> total or seq <> last_seq
)
select (select count(*) from compared) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
