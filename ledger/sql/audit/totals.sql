-- The total is constant: in each book and currency the balances of all accounts, the operator's contra accounts with
-- them, add up to zero, and so do all postings ever made.
with held as materialized (
    select a.book, a.currency, count(*) as accounts, sum(b.balance) as total
    from ledger.accounts a join ledger.balances b using (account_id) group by 1, 2
),
moved as materialized (
    select a.book, a.currency, sum(p.amount) as total
    from ledger.postings p join ledger.accounts a using (account_id) group by 1, 2
),
bad (what) as materialized (
    select format('balances of %s in %s add up to %s', book, currency, total) from held where total <> 0
    union all
    select format('postings of %s in %s add up to %s', book, currency, total) from moved where total <> 0
)
select (select coalesce(sum(accounts), 0)::bigint from held) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
