"""Hourglass: an open model monitor.

The name is the architecture. Wide above: any capture format, any size. Wide below: any statistic, drift test, report.
Between them a narrow waist: a state is a commutative monoid that serialises itself, so hours, machines and files merge
by `+`.

    join         captured requests × ground truth → merged records, which are captured again
    capture      files → slices → blocks of lines → records → rows → classified values
    join         captured records × the ground truth that came later → merged records
    states       values → one small mergeable state an hour, column and kind          (the waist)
    store        an hour's states in one file; history: the sum of any window's hours
    statistics   state → number
    comparisons  state × baseline state → distance or p-value
    constraints  statistics → suggested constraints; constraints × statistics → verdicts
    quality      labels × predictions → states → metrics with deviations → thresholds → verdicts
    bias         labels and predictions by facet → counts → metrics with intervals → verdicts
    models       files and endpoints → whatever answers for a row
    attribution  a model × rows × a background → attributions → sums → what has changed
    monitors     which of these a job is made of
    outputs      statistics.json, constraints.json, violations, evaluation, metrics, message

`scan` is capture and states as one function of one task; `spark` hands it out to a cluster, `local` to processes of this
machine. Nothing below the waist knows of Spark.
"""

__version__ = "0.1.0"
