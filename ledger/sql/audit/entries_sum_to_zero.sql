-- Every entry moves money and makes none: it has a debit and a credit, they sum to zero, and both lie on accounts of
-- the entry's own book, which have one currency. Every posting belongs to an entry.
with sides as materialized (
    select p.entry_id, count(*) as postings, sum(p.amount) as total, min(a.book) as book,
           min(a.book) is distinct from max(a.book) or min(a.currency) is distinct from max(a.currency)
           or count(a.account_id) < count(*) as mixed
    from ledger.postings p left join ledger.accounts a using (account_id)
    group by p.entry_id
),
bad (what) as materialized (
    select case
        when e.entry_id is null then format('entry %s is missing, its %s postings are there', s.entry_id, s.postings)
        when s.entry_id is null then format('entry %s has no postings', e.entry_id)
        when s.total <> 0 then format('the postings of entry %s sum to %s', e.entry_id, s.total)
        when s.postings < 2 then format('entry %s has one posting', e.entry_id)
        else format('entry %s touches accounts that are not of %s', e.entry_id, e.book)
    end
    from ledger.entries e full join sides s using (entry_id)
    where e.entry_id is null or s.entry_id is null or s.total <> 0 or s.postings < 2 or s.mixed or s.book <> e.book
)
select (select count(*) from sides) as examined, (select count(*) from bad) as violations,
       (select string_agg(what, '; ') from (select what from bad order by what limit 5) first) as detail
